import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { basic } from '../../src/probe/behaviours/cast.ts';
import { startDouble } from '../../src/probe/double.ts';
import { end, runAs } from '../../src/probe/engines/process.ts';
import { errorCode, exchange } from '../../src/probe/exchange.ts';
import { makeSubject } from '../../src/probe/subject.ts';
import { engineFor, tools } from '../support/lab.ts';
import { specOf } from '../support/spec.ts';

/* The two lines that an installation takes which is there already: its own modules, its own hosts, its own ServerRoot. */
const MODULES = [
  'mpm_event',
  'authn_core',
  'authn_file',
  'authz_core',
  'authz_host',
  'authz_user',
  'auth_basic',
  'alias',
  'dir',
  'headers',
  'reqtimeout',
  'ssl',
  'proxy',
  'proxy_http',
  'lua',
  'oauth2',
];
const PORT = 19_600;

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!engineFor('httpd'))('httpd as an include', () => {
  test('guards its own host and leaves the others alone', async () => {
    const double = await startDouble();
    const subject = await makeSubject(
      specOf(
        'version: 1\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1", key: required }]\nclients: [{ name: alice, sub: s-1 }]\nauth: { require: apiKey or basic or jwt, jwt: { issuer: i, audience: a, keys: jwks.json } }\n',
      ),
      { proxy: 'httpd', upstream: double.port, tools: tools() },
    );
    const root = mkdtempSync(join(tmpdir(), 'foreign-httpd-'));
    const folder = join(subject.paths.project, subject.output, 'httpd');
    writeFileSync(join(root, 'index.html'), 'their own page\n');
    writeFileSync(
      join(root, 'their.conf'),
      `${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerName their.example
PidFile pid
DefaultRuntimeDir .
Mutex file:. default
ErrorLog error.log
DocumentRoot ${root}
Define GATEWRIGHT ${folder}
Include \${GATEWRIGHT}/global.conf
Listen 127.0.0.1:${PORT}
Listen 127.0.0.1:${PORT + 1}
<VirtualHost 127.0.0.1:${PORT}>
  ServerName llm.example.com
  SSLEngine on
  Include \${GATEWRIGHT}/vhost.conf
</VirtualHost>
<VirtualHost 127.0.0.1:${PORT + 1}>
  CustomLog their.log "%r"
</VirtualHost>
`,
    );
    const as = runAs();
    if (as) for (const name of ['', ...readdirSync(root)]) chownSync(join(root, name), as.uid, as.gid);
    const child = spawn('/usr/sbin/apache2', ['-d', root, '-f', 'their.conf', '-D', 'FOREGROUND'], {
      stdio: 'ignore',
      env: {},
      ...(as ?? {}),
    });
    onTestFinished(async () => {
      await end(child);
      await double.stop();
      subject.remove();
      rmSync(root, { recursive: true, force: true });
    });

    const [alice] = subject.cast;
    const ask = async (...lines: string[]) => {
      const outcome = await exchange(
        { port: PORT, tls: { ca: subject.ca, servername: 'llm.example.com' } },
        Buffer.from(['GET /v1/models HTTP/1.1', 'Host: llm.example.com', ...lines, 'Connection: close', '', ''].join('\r\n')),
      );
      return outcome.kind === 'answer'
        ? { status: outcome.status, code: outcome.status < 400 ? null : errorCode(outcome.body) }
        : { error: outcome.error };
    };
    const theirs = () =>
      exchange({ port: PORT + 1 }, Buffer.from('GET /index.html HTTP/1.1\r\nHost: their.example\r\nConnection: close\r\n\r\n'));
    for (let i = 0; i < 200 && (await theirs()).kind === 'no-answer'; i++) await new Promise((resolve) => setTimeout(resolve, 25));

    expect(await ask()).toEqual({ status: 401, code: 'invalid_credentials' });
    expect(await ask('Authorization: Bearer EMPTY-EMPTY-EMPTY')).toEqual({ status: 401, code: 'invalid_credentials' });
    expect(double.seen).toHaveLength(0);
    expect(await ask(`Authorization: Bearer ${alice?.key}`)).toEqual({ status: 200, code: null });
    expect(await ask(`Authorization: ${basic('alice', alice?.password ?? '')}`)).toEqual({ status: 200, code: null });
    const token = subject.issuer?.sign('RS256', { iss: 'i', aud: 'a', sub: 's-1', exp: Math.floor(Date.now() / 1000) + 60 });
    expect(await ask(`Authorization: Bearer ${token}`)).toEqual({ status: 200, code: null });
    expect(double.seen).toHaveLength(3);
    expect(double.seen.map((one) => one.headers.find(([name]) => name === 'x-gatewright-client')?.[1])).toEqual([
      'alice',
      'alice',
      'alice',
    ]);
    expect(await theirs()).toMatchObject({ status: 200, body: 'their own page\n' });
    // Each has its own log.
    expect(readFileSync(join(root, 'their.log'), 'utf8')).not.toContain('/v1/models');
    expect(readFileSync(join(folder, 'run', 'access.log'), 'utf8')).not.toContain('index.html');
  });
});
