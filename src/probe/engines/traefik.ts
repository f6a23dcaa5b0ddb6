import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Engine, FoundEngine, RunningEngine } from './engine.ts';
import { end, launch } from './process.ts';

const INSTALL =
  'put a Traefik 3.6 or newer on the PATH, or name it in GATEWRIGHT_TRAEFIK (from a clone: scripts/setup-tests.sh builds one)';
/** Where scripts/setup-tests.sh builds it; the first where root does, because an engine never runs as root. */
const BUILT = ['/var/cache/gatewright/traefik-3.6.12/traefik', join(homedir(), '.cache/gatewright/traefik-3.6.12/traefik')];
/** On SIGTERM it waits for open connections, for minutes. */
const LAST = 'SIGKILL';
/** How long routers may take to appear once the port is open. A gate that does not load never does. */
const LOADED_MS = 5000;

/** Traefik on this machine; GATEWRIGHT_TRAEFIK names another binary. */
export function findTraefik(): FoundEngine {
  const named = process.env.GATEWRIGHT_TRAEFIK;
  const places = named ? [named] : [...BUILT, ...(process.env.PATH ?? '').split(':').map((folder) => join(folder, 'traefik'))];
  const binary = places.find(isProgram);
  return binary ? { engine: localTraefik(binary) } : { engine: null, install: INSTALL };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function localTraefik(binary: string): Engine {
  const text = spawnSync(binary, ['version']).stdout?.toString() ?? '';
  const version = /Version:\s+v?(\S+)/.exec(text)?.[1] ?? '?';
  return {
    name: 'traefik',
    // A build from the module calls itself dev.
    label: `traefik/${version === 'dev' && BUILT.includes(binary) ? '3.6.12' : version}`,
    start: async (project, output, port) => {
      const folder = join(project, output, 'traefik');
      const { child, output: words } = await launch(binary, ['--configFile=traefik.yml'], folder, port);
      await loaded(port);
      return running(folder, child, words);
    },
  };
}

/** The ports are open before there is a router; until then Traefik says so in words of its own. */
async function loaded(port: number): Promise<void> {
  const until = performance.now() + LOADED_MS;
  while (performance.now() < until) {
    if (!(await answerOf(port)).startsWith('404 page not found')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function answerOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', rejectUnauthorized: false, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      // Also when it is cut.
      response.on('close', () => resolve(text));
    });
    asked.setTimeout(2000, () => asked.destroy());
    asked.on('error', () => resolve('404 page not found'));
    asked.end();
  });
}

function running(folder: string, child: Parameters<typeof end>[0], words: () => string): RunningEngine {
  return {
    pid: child.pid ?? 0,
    // Traefik watches its files; what it reads at the start alone takes a new process.
    reload: () => new Promise((resolve) => setTimeout(resolve, 100)),
    logs: () => [
      { path: 'stderr', text: words() },
      ...['access.log', 'error.log']
        .map((name) => ({ name, path: join(folder, 'run', name) }))
        .filter(({ path }) => existsSync(path))
        .map(({ name, path }) => ({ path: name, text: readFileSync(path, 'utf8') })),
    ],
    // It would wait for open streams; a test has seen what it wanted.
    stop: () => end(child, LAST),
  };
}
