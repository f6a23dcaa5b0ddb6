import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/* What Docker Compose itself reads in a file: it needs no Docker for that. scripts/setup-unstable.sh brings it. */
const PROGRAM = ['/var/cache/gatewright/unstable', join(homedir(), '.cache/gatewright/unstable')]
  .map((folder) => join(folder, 'docker-compose'))
  .find((path) => existsSync(path));

/** Whether Docker Compose is on this machine. Under CI its absence is a failure. */
export function hasDockerCompose(): boolean {
  if (PROGRAM) return true;
  if (process.env.CI) throw new Error('Docker Compose is missing: scripts/setup-tests.sh');
  console.warn('not run: Docker Compose is missing. scripts/setup-tests.sh');
  return false;
}

export interface ComposeConfig {
  readonly name: string;
  readonly services: Record<
    string,
    {
      profiles?: string[];
      labels?: Record<string, string>;
      command?: string[];
      image?: string;
      build?: object;
      healthcheck?: { test: string[] };
      networks?: Record<string, unknown>;
    }
  >;
}

/** `docker compose config` of the file in this folder. Throws what it says when it refuses the file. */
export function dockerComposeConfig(folder: string, ...profiles: string[]): ComposeConfig {
  const { status, stdout, stderr } = spawnSync(
    PROGRAM ?? '',
    [...profiles.flatMap((name) => ['--profile', name]), 'config', '--format', 'json'],
    { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH ?? '', GATEWRIGHT_UID: '1001', GATEWRIGHT_GID: '1002' } },
  );
  if (status !== 0) throw new Error(stderr || 'docker compose config failed');
  return JSON.parse(stdout) as ComposeConfig;
}
