import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grantableNames, pathMatches, ROUTE_TABLE, routesNamed } from '../../src/gateway/routes/index.ts';

/** Facts about vLLM 0.33, one route a line: section, method, path, guarded by --api-key or OPEN. */
const FACTS = readFileSync(new URL('../fixtures/vllm-0.33-routes.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(/\s+/) as [string, string, string, string]);

describe('the route table of vLLM', () => {
  test('is exactly what is known of the server', () => {
    const known = FACTS.map(([, method, path, auth]) => `${method} ${path} ${auth}`).sort();
    const ours = ROUTE_TABLE.routes
      .map((route) => `${route.websocket ? 'WS' : route.method} ${route.path} ${route.guarded ? 'key' : 'OPEN'}`)
      .sort();
    expect(ours).toEqual(known);
    expect(ours.length).toBe(84);
  });

  test('what is dangerous can never be granted', () => {
    for (const [section, method, path] of FACTS) {
      const route = ROUTE_TABLE.routes.find((one) => one.path === path && (one.method === method || one.websocket));
      if (section === '1c' || section === '1d') expect({ path, grantable: route?.grantable }).toEqual({ path, grantable: false });
    }
    for (const name of [
      '/invocations',
      '/score',
      '/rerank',
      '/generative_scoring',
      '/docs',
      '/openapi.json',
      '/ping',
      '/kv_event_sources',
      '/server_info',
      '/collective_rpc',
      'POST /invocations',
    ])
      expect(routesNamed(name)).toBe('forbidden');
    expect(ROUTE_TABLE.routes.filter((route) => route.grantable).length).toBe(26);
  });

  test('groups hold what they say', () => {
    expect(ROUTE_TABLE.groups).toEqual({
      openai: ['chat', 'completions', 'responses', 'embeddings', 'models', 'transcriptions', 'translations'],
      anthropic: ['messages', 'count_tokens'],
      rank: ['score', 'rerank', 'rerank.v2'],
      pool: ['pooling', 'classify'],
      tokens: ['tokenize', 'detokenize'],
    });
    for (const members of Object.values(ROUTE_TABLE.groups)) for (const name of members) expect(grantableNames()).toContain(name);
    expect(routesNamed('/v1/score')).toMatchObject([{ path: '/v1/score' }]);
    expect(routesNamed('nothing')).toBeNull();
  });

  test.each([
    ['/v1/responses/{id}', '/v1/responses/resp_1-X', true],
    ['/v1/responses/{id}', '/v1/responses/', false],
    ['/v1/responses/{id}', '/v1/responses/a/b', false],
    ['/v1/responses/{id}', '/v1/responses/a.b', false],
    ['/v1/responses/{id}', `/v1/responses/${'a'.repeat(129)}`, false],
    ['/v1/responses/{id}/cancel', '/v1/responses/a/cancel', true],
    ['/v1/responses/{id}/cancel', '/v1/responses/cancel', false],
    ['/v1/models', '/v1/models/', false],
    ['/v1/models', '/V1/models', false],
  ])('%s matches %s: %s', (pattern, path, expected) => expect(pathMatches(pattern, path)).toBe(expected));
});
