import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderCompose } from '../../src/deploy/compose.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { type ComposeConfig, dockerComposeConfig, hasDockerCompose } from '../support/docker-compose.ts';
import { specOf } from '../support/spec.ts';

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!hasDockerCompose())('docker compose config', () => {
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
  const config = (...profiles: string[]) => dockerComposeConfig(folder, ...profiles);

  test('takes the file, one engine a profile', () => {
    for (const engine of ['nginx', 'httpd', 'traefik']) {
      const names = Object.keys(config(engine).services).filter((name) => name.startsWith('gateway'));
      expect(names).toEqual([`gateway-${engine}`]);
    }
    expect(Object.keys(config().services)).toEqual(['vllm-qwen3-8b']);
  });

  test('reads every label as it is meant', () => {
    const meant = (parse(written) as ComposeConfig).services['gateway-traefik']?.labels ?? {};
    expect(Object.keys(meant).length).toBeGreaterThan(8);
    const read = config('traefik').services['gateway-traefik']?.labels ?? {};
    // Compose prints a `$` that stays one as two, as it would have to be written.
    expect(read).toEqual(meant);
    expect(read['traefik.http.routers.gatewright.rule']).toBe('PathPrefix(`/`) || !PathPrefix(`/`)');
  });

  test('a changed file is refused', () => {
    const broken = mkdtempSync(join(tmpdir(), 'gatewright-compose-'));
    writeFileSync(join(broken, 'docker-compose.yml'), written.replace('    image:', '    imagee:'));
    expect(() => dockerComposeConfig(broken, 'nginx')).toThrow(/imagee/);
  });
});
