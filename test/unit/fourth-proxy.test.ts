import { expect, test, vi } from 'vitest';
import type { ProxyName } from '../../src/gateway/types.ts';
import type { Proxy } from '../../src/proxies/proxy.ts';

/* What docs/adding-a-proxy.md promises: a folder with a Proxy and a line in the list, and everything else knows it. */
const NAME = 'caddy' as ProxyName;
const caddy: Proxy = {
  name: NAME,
  audit: (gateway) =>
    gateway.cors.length > 0 ? [{ code: 'not-yet', severity: 'error', message: 'caddy has no CORS', about: ['cors'] }] : [],
  render: (gateway) => [{ path: 'caddy/Caddyfile', content: `${gateway.hosts.join(', ')} {\n  respond 403\n}\n` }],
  container: ({ output }) => ({
    image: 'caddy:2',
    entrypoint: ['caddy'],
    command: ['run', '--config', `/etc/gatewright/${output}/caddy/Caddyfile`],
    directory: '/etc/gatewright',
    reads: ['caddy'],
    readsPrivate: [],
    writes: { folder: 'caddy/run', options: 'mode=1777' },
    stopSignal: 'SIGTERM',
    health: ['CMD', 'true'],
    labels: {},
    privateLabels: null,
    companion: null,
  }),
  operation: ({ output }) => ({
    start: `caddy run --config ${output}/caddy/Caddyfile`,
    reload: 'caddy reload',
    reloadInContainer: 'caddy reload',
    rereads: false,
    note: '',
  }),
};
vi.mock('../../src/proxies/index.ts', () => ({ PROXIES: [caddy] }));

const { renderGateway, auditGateway } = await import('../../src/pipeline.ts');
const { resolveSpec } = await import('../../src/spec/resolve/index.ts');
const { specOf } = await import('../support/spec.ts');

test('a fourth proxy is a folder and a line', () => {
  const spec = specOf('version: 1\nhosts: [llm.example.com]\nmodels: [http://10.0.0.1:8000]\nclients: [alice]\nauth: apiKey\n');
  const { gateway } = resolveSpec(spec, { keys: [], certificates: [], jwtKeys: [], clientCa: null }, null);
  if (!gateway) throw new Error('no gateway');
  const files = new Map(renderGateway({ ...gateway, proxies: [NAME] }, 'gateway').map(({ path, content }) => [path, content]));
  expect([...files.keys()].sort()).toEqual(['README.md', 'caddy/Caddyfile', 'docker-compose.yml']);
  expect(files.get('caddy/Caddyfile')).toContain('llm.example.com {');
  expect(files.get('docker-compose.yml')).toContain('image: caddy:2');
  expect(files.get('README.md')).toContain('exec gateway caddy reload');
  expect(auditGateway({ ...gateway, proxies: [NAME], cors: ['https://a.example'] }, null)).toMatchObject([
    { message: 'caddy has no CORS' },
  ]);
});
