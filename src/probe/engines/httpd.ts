import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../../proxies/httpd/index.ts';
import type { Engine, FoundEngine, RunningEngine } from './engine.ts';
import { end, launch } from './process.ts';

const INSTALL = 'sudo apt-get install -y apache2 libapache2-mod-oauth2   # Debian or Ubuntu';
const PLACES = ['/usr/sbin/apache2', '/usr/local/apache2/bin/httpd', '/usr/sbin/httpd'];

/** httpd with mod_lua on this machine; GATEWRIGHT_HTTPD names another binary. */
export function findHttpd(): FoundEngine {
  const named = process.env.GATEWRIGHT_HTTPD;
  const binary = (named ? [named] : PLACES).find((path) => existsSync(path));
  return binary ? { engine: localHttpd(binary) } : { engine: null, install: INSTALL };
}

function localHttpd(binary: string): Engine {
  const version = /Apache\/([\d.]+)/.exec(spawnSync(binary, ['-v']).stdout?.toString() ?? '')?.[1] ?? '?';
  return {
    name: 'httpd',
    label: `httpd/${version}`,
    start: async (project, output, port) => {
      const folder = join(project, output, 'httpd');
      // Counters outlive httpd; a start here is one from rest.
      for (const name of ['rates', 'failures', 'slots', 'remembered']) rmSync(join(folder, 'run', name), { recursive: true, force: true });
      const { child, output: words } = await launch(binary, [...inFolder(folder), '-D', 'FOREGROUND'], project, port);
      return running(folder, child, words);
    },
  };
}

function running(folder: string, child: Parameters<typeof end>[0], words: () => string): RunningEngine {
  const run = join(folder, 'run');
  return {
    pid: child.pid ?? 0,
    reload: async () => {
      child.kill('SIGUSR1');
      // Old processes finish what they have; new ones are there within a moment.
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
    logs: () => [
      { path: 'stderr', text: words() },
      ...['access.log', 'error.log']
        .filter((name) => existsSync(join(run, name)))
        .map((name) => ({ path: name, text: readFileSync(join(run, name), 'utf8') })),
      // The names of what is counted and remembered are written to a disk too.
      ...['rates', 'failures', 'remembered']
        .filter((name) => existsSync(join(run, name)))
        .map((name) => ({ path: name, text: readdirSync(join(run, name)).join('\n') })),
    ],
    stop: () => end(child),
  };
}
