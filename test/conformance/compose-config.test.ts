import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderCompose } from '../../src/deploy/compose.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { specOf } from '../support/spec.ts';

/* What Docker Compose itself reads in the file: it needs no Docker for that. scripts/setup-unstable.sh brings it. */
const COMPOSE = ['/var/cache/gatewright/unstable', join(homedir(), '.cache/gatewright/unstable')]
  .map((folder) => join(folder, 'docker-compose'))
  .find((path) => existsSync(path));

function here(): boolean {
  if (COMPOSE) return true;
  if (process.env.CI) throw new Error('Docker Compose is missing: scripts/setup-tests.sh');
  console.warn('not run: Docker Compose is missing. scripts/setup-tests.sh');
  return false;
}

interface Config {
  services: Record<
    string,
    {
      profiles?: string[];
      labels?: Record<string, string>;
      command?: string[];
      image?: string;
      build?: object;
      healthcheck?: { test: string[] };
    }
  >;
}

describe.skipIf(!here())('docker compose config', () => {
  const text = `version: 1
proxy: [nginx, httpd, traefik]
hosts: [llm.example.com]
models: [{ run: "Qwen/Qwen3-8B", gpus: ["0"], vllm: { quantization: fp8 } }]
clients: [alice]
auth: { require: apiKey or basic or mtls }
`;
  const { gateway } = resolveSpec(specOf(text), { keys: [], certificates: [], jwtKeys: [], clientCa: 'ca/clients.pem' }, null);
  if (!gateway) throw new Error('no gateway');
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-compose-'));
  const written = renderCompose(gateway, 'gateway')[0]?.content ?? '';
  writeFileSync(join(folder, 'docker-compose.yml'), written);
  const config = (...profiles: string[]): Config => {
    const { status, stdout, stderr } = spawnSync(
      COMPOSE ?? '',
      [...profiles.flatMap((name) => ['--profile', name]), 'config', '--format', 'json'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: process.env.PATH ?? '', GATEWRIGHT_UID: '1001', GATEWRIGHT_GID: '1002' },
      },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Config;
  };

  test('takes the file, one engine a profile', () => {
    for (const engine of ['nginx', 'httpd', 'traefik']) {
      const names = Object.keys(config(engine).services).filter((name) => name.startsWith('gateway'));
      expect(names).toEqual([`gateway-${engine}`]);
    }
    expect(Object.keys(config().services)).toEqual(['vllm-qwen3-8b']);
  });

  test('reads every label as it is meant', () => {
    const meant = (parse(written) as Config).services['gateway-traefik']?.labels ?? {};
    expect(Object.keys(meant).length).toBeGreaterThan(8);
    const read = config('traefik').services['gateway-traefik']?.labels ?? {};
    // Compose prints a `$` that stays one as two, as it would have to be written.
    expect(read).toEqual(meant);
    expect(read['traefik.http.routers.gatewright.rule']).toBe('PathPrefix(`/`) || !PathPrefix(`/`)');
  });

  test('a changed file is refused', () => {
    const broken = mkdtempSync(join(tmpdir(), 'gatewright-compose-'));
    writeFileSync(join(broken, 'docker-compose.yml'), written.replace('    image:', '    imagee:'));
    expect(spawnSync(COMPOSE ?? '', ['--profile', 'nginx', 'config', '-q'], { cwd: broken }).status).not.toBe(0);
  });
});
