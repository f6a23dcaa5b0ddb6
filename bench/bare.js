// Each engine as a TLS proxy and nothing else: what a gate's cost is compared with.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from '../dist/probe/at-exit.js';
import { runAs } from '../dist/probe/engines/process.js';

const CONFIGS = {
  nginx: (folder, port, upstream) => ({
    file: 'nginx.conf',
    text: `worker_processes auto; pid ${folder}/pid; error_log ${folder}/error.log crit; events { worker_connections 4096; }
http { access_log ${folder}/access.log; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
upstream u { server 127.0.0.1:${upstream}; keepalive 64; keepalive_timeout 4s; }
server { listen 127.0.0.1:${port} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; keepalive_requests 1000000;
location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } } }`,
    command: [process.env.GATEWRIGHT_NGINX ?? '/usr/sbin/nginx', '-p', `${folder}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
  }),
  httpd: (folder, port, upstream) => ({
    file: 'httpd.conf',
    text: `${['mpm_event', 'authz_core', 'ssl', 'proxy', 'proxy_http']
      .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
      .join('\n')}
ServerName bare
PidFile pid
DefaultRuntimeDir .
Mutex file:. default
ErrorLog error.log
LogFormat "%h %t \\"%r\\" %>s %b" plain
CustomLog access.log plain
ThreadsPerChild 64
ServerLimit 4
MaxRequestWorkers 256
StartServers 1
Listen 127.0.0.1:${port}
<VirtualHost 127.0.0.1:${port}>
SSLEngine on
SSLCertificateFile cert.pem
SSLCertificateKeyFile key.pem
MaxKeepAliveRequests 0
ProxyPass "/" "http://127.0.0.1:${upstream}/" flushpackets=on ttl=4
</VirtualHost>`,
    command: [process.env.GATEWRIGHT_HTTPD ?? '/usr/sbin/apache2', '-d', folder, '-f', 'httpd.conf', '-D', 'FOREGROUND'],
  }),
  traefik: (folder, port, upstream) => {
    writeFileSync(
      join(folder, 'dynamic.yml'),
      JSON.stringify({
        http: {
          routers: { all: { rule: 'PathPrefix(`/`)', service: 'up', tls: {} } },
          services: { up: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${upstream}` }] } } },
        },
        tls: { stores: { default: { defaultCertificate: { certFile: 'cert.pem', keyFile: 'key.pem' } } } },
      }),
    );
    return {
      file: 'traefik.yml',
      text: JSON.stringify({
        global: { checkNewVersion: false, sendAnonymousUsage: false },
        log: { level: 'ERROR' },
        accessLog: { filePath: 'access.log' },
        entryPoints: { https: { address: `127.0.0.1:${port}` } },
        providers: { file: { filename: 'dynamic.yml' } },
      }),
      command: [process.env.GATEWRIGHT_TRAEFIK ?? '/var/cache/gatewright/traefik-3.6.12/traefik', '--configFile=traefik.yml'],
    };
  },
};

/** Starts the engine bare. Resolves with its pid and how to end it. */
export async function startBare(engine, port, upstream) {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bare-'));
  mkdirSync(folder, { recursive: true });
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      join(folder, 'key.pem'),
      '-out',
      join(folder, 'cert.pem'),
      '-subj',
      '/CN=localhost',
      '-days',
      '2',
    ],
    { stdio: 'ignore' },
  );
  const { file, text, command } = CONFIGS[engine](folder, port, upstream);
  writeFileSync(join(folder, file), text);
  const as = runAs();
  if (as) for (const name of ['', ...readdirSync(folder)]) chownSync(join(folder, name), as.uid, as.gid);
  const child = spawn(command[0], command.slice(1), { cwd: folder, stdio: 'ignore', ...(as ?? {}) });
  const forget = atExit(() => child.kill('SIGTERM'));
  return {
    pid: child.pid,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      forget();
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
