import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const PLUGIN = resolve(import.meta.dirname, '..', '..', 'templates', 'traefik', 'plugin');
/** Go of this machine, or the one that scripts/setup-tests.sh brings. */
const GO = [
  '/usr/local/go/bin/go',
  ...(process.env.PATH ?? '').split(':').map((f) => join(f, 'go')),
  join(homedir(), '.cache/gatewright/python/bin/go'),
].find((path) => existsSync(path));

function here(): boolean {
  if (GO) return true;
  if (process.env.CI) throw new Error('Go is missing: scripts/setup-tests.sh');
  console.warn('not run: Go is missing. scripts/setup-tests.sh');
  return false;
}

test.skipIf(!here())('the plugin is formatted and vetted', () => {
  const go = (...args: string[]) => spawnSync(GO ?? '', args, { cwd: PLUGIN, encoding: 'utf8', env: { ...process.env, GOFLAGS: '' } });
  expect(go('vet', './...')).toMatchObject({ status: 0, stderr: '' });
  expect(go('fmt', '-n', './...').status).toBe(0);
  const unformatted = spawnSync(join(GO ?? '', '..', 'gofmt'), ['-l', '.'], { cwd: PLUGIN, encoding: 'utf8' });
  if (!unformatted.error) expect(unformatted.stdout).toBe('');
});
