import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, FoundEngine, RunningEngine } from './engine.ts';
import { end, launch, runAs } from './process.ts';

/** Where Debian's package and the official image both keep it; the generated config names this path. */
const NJS_MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so';
const IMAGE = 'nginx:1.30.6';
const INSTALL = 'sudo apt-get install -y nginx libnginx-mod-http-js   # Debian or Ubuntu; or start Docker';

/** nginx with njs on this machine (GATEWRIGHT_NGINX names another binary), else in Docker, else the line that would install it. */
export function findNginx(): FoundEngine {
  const named = process.env.GATEWRIGHT_NGINX;
  const binary = (named ? [named] : ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx']).find((path) => existsSync(path));
  if (binary && existsSync(NJS_MODULE)) return { engine: localNginx(binary) };
  const docker = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5000 });
  if (docker.status === 0) return { engine: dockerNginx() };
  return { engine: null, install: INSTALL };
}

function localNginx(binary: string): Engine {
  const version = /nginx\/([\d.]+)/.exec(spawnSync(binary, ['-v']).stderr?.toString() ?? '')?.[1] ?? '?';
  return {
    name: 'nginx',
    label: `nginx/${version}`,
    start: async (project, output, port) => running(project, output, await launch(binary, nginxArguments(output), project, port)),
  };
}

/** The same config in the official image, on the network of this machine, as the user who owns the project. */
function dockerNginx(): Engine {
  const as = runAs() ?? { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 };
  return {
    name: 'nginx',
    label: `${IMAGE} in Docker`,
    start: async (project, output, port) => {
      const args = [
        'run',
        '--rm',
        '--network',
        'host',
        '--user',
        `${as.uid}:${as.gid}`,
        '-v',
        `${project}:${project}`,
        '-w',
        project,
        '--entrypoint',
        'nginx',
        IMAGE,
      ];
      return running(project, output, await launch('docker', [...args, ...nginxArguments(output)], project, port, null, stopContainer));
    },
  };
}

/** The client passes it on; without it the container would go on alone. */
function stopContainer(client: ChildProcess): void {
  client.kill('SIGTERM');
}

function nginxArguments(output: string): string[] {
  return ['-p', `${output}/nginx/`, '-c', 'nginx.conf', '-g', 'daemon off;'];
}

function running(project: string, output: string, { child, output: words }: Awaited<ReturnType<typeof launch>>): RunningEngine {
  const run = join(project, output, 'nginx', 'run');
  return {
    pid: child.pid ?? 0,
    reload: async () => {
      child.kill('SIGHUP');
      // The old workers stop accepting once the new ones are there.
      await new Promise((resolve) => setTimeout(resolve, 300));
    },
    logs: () => [
      { path: 'stderr', text: words() },
      ...['access.log', 'error.log']
        .filter((name) => existsSync(join(run, name)))
        .map((name) => ({ path: name, text: readFileSync(join(run, name), 'utf8') })),
      ...(existsSync(join(run, 'cache'))
        ? readdirSync(join(run, 'cache'), { recursive: true, withFileTypes: true })
            .filter((e) => e.isFile())
            .map((e) => ({ path: `cache/${e.name}`, text: readFileSync(join(e.parentPath, e.name), 'latin1') }))
        : []),
    ],
    stop: () => end(child),
  };
}
