import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pathMatches, ROUTE_TABLE } from '../../src/gateway/routes/index.ts';
import { startDouble } from '../../src/probe/double.ts';
import { GUARDED_PREFIXES, registeredRoutes } from '../../src/probe/double-vllm.ts';
import { questionFor, scan } from '../../src/probe/scan.ts';
import { ENGINE_NAMES, engineFor, RICH_SPEC, testLab } from '../support/lab.ts';

/** What a real vLLM 0.32 answered to callers without a key: method, path, status. */
const MEASURED = readFileSync(new URL('../fixtures/vllm-open-routes.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [method = '', path = '', status = ''] = line.split(' ');
    return { method, path, status: Number(status) };
  });

describe('the scan of a running server', () => {
  test('names every open route of a bare vLLM with a key, /invocations first', async () => {
    const double = await startDouble({ vllm: { key: 'the-key' } });
    const findings = await scan(new URL(`http://127.0.0.1:${double.port}`), {});
    await double.stop();
    expect(findings[0]).toMatchObject({ route: 'POST /invocations', status: 400, verdict: 'open' });
    const open = new Set(findings.filter((finding) => finding.verdict === 'open').map((finding) => finding.route.split(' ')[1]));
    for (const { path, status } of MEASURED) {
      const finding = findings.find((one) => one.route.split(' ')[1] === path.replace('{response_id}', '{id}'));
      expect({ path, verdict: finding?.verdict }).toEqual({ path, verdict: status === 401 ? 'guarded' : 'open' });
    }
    expect(open.has('/v1/chat/completions')).toBe(false);
    // And nothing that a default server does not have.
    for (const path of open) expect(registeredRoutes().some((route) => route.path === path)).toBe(true);
  });

  test('never sends a method that changes state', async () => {
    const double = await startDouble({ vllm: { key: null } });
    await scan(new URL(`http://127.0.0.1:${double.port}`), {});
    await double.stop();
    expect(double.seen.length).toBeGreaterThan(40);
    for (const { method, target, body } of double.seen) {
      const own = ROUTE_TABLE.routes.find((route) => route.method === method && pathMatches(route.path, target));
      // Its own method reaches a route only to be rejected for an empty body.
      if (own) expect({ target, class: own.class, body }).toEqual({ target, class: 'inference', body: '{}' });
      else expect(['GET', 'HEAD', 'POST']).toContain(method);
      if (method === 'POST') expect(body).toBe('{}');
      else expect(['GET', 'HEAD']).toContain(method);
    }
    for (const route of ROUTE_TABLE.routes.filter((one) => one.class === 'admin' || one.class === 'internal'))
      expect(questionFor(route).method).not.toBe(route.method);
  });

  test('a server without a key is open throughout', async () => {
    const double = await startDouble({ vllm: { key: null } });
    const findings = await scan(new URL(`http://127.0.0.1:${double.port}`), {});
    await double.stop();
    expect(findings.filter((finding) => finding.verdict === 'guarded')).toEqual([]);
    expect(findings.find((finding) => finding.route === 'POST /v1/chat/completions')?.verdict).toBe('open');
  });

  test.for(ENGINE_NAMES.filter(engineFor))('finds nothing open behind a generated gateway on %s', async (engine) => {
    const lab = await testLab(RICH_SPEC.replace('llm.example.com, localhost', 'localhost'), { on: engine });
    const findings = await scan(new URL(`https://localhost:${lab.subject.gateway.listen.https}`), { ca: lab.subject.ca });
    await lab.close();
    expect(findings.filter((finding) => finding.verdict === 'open' || finding.verdict === 'no answer')).toEqual([]);
    expect(findings.filter((finding) => finding.verdict === 'guarded').length).toBeGreaterThan(5);
    expect(lab.double.seen).toEqual([]);
  });
});

describe("the double's bare vLLM", () => {
  test('registers what a default server registers and guards exactly what it guards', () => {
    const measured = new Set(MEASURED.map(({ method, path }) => `${method} ${path.replace('{response_id}', '{id}')}`));
    // The log of the measured server lists neither the mounted /metrics/* nor what 0.33 added.
    const newer = ['GET /metrics*', 'POST /v1/decisions'];
    expect(
      registeredRoutes()
        .map((route) => `${route.method} ${route.path}`)
        .filter((name) => !newer.includes(name))
        .sort(),
    ).toEqual([...measured].sort());
    for (const { path, status } of MEASURED)
      expect({ path, guarded: GUARDED_PREFIXES.some((prefix) => path.startsWith(prefix)) }).toEqual({ path, guarded: status === 401 });
  });
});
