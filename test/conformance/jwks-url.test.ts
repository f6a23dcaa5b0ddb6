import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { errorCode } from '../../src/probe/exchange.ts';
import { sendSketch } from '../../src/probe/request.ts';
import { engineFor, type TestLab, testLab } from '../support/lab.ts';

/*
 * Keys that Traefik's gate fetches at run time, from an identity provider that rotates, fails and lies. Its times are the
 * gate's own: fetched again for an unknown key at most every 30 s, every 2 s as long as there are none at all.
 */
const SPEC =
  'version: 1\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1" }]\nclients: [alice]\n' +
  'auth: { require: jwt or apiKey, jwt: { issuer: i, audience: a, keys: jwks.json, role: default } }\n';

interface Provider {
  readonly url: string;
  fetches: number;
  /** What it says next. */
  answer: { status: number; body: string; location?: string };
}

async function startProvider(): Promise<Provider> {
  const provider = { url: '', fetches: 0, answer: { status: 500, body: '' } } as { -readonly [K in keyof Provider]: Provider[K] };
  const server = createServer((_, response) => {
    provider.fetches++;
    const { status, body, location } = provider.answer;
    response.writeHead(status, { 'Content-Type': 'application/json', ...(location ? { Location: location } : {}) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  return provider;
}

/** The gateway of a spec whose keys are at this URL: the policy has the URL in place of keys. */
function labOf(provider: Provider): Promise<TestLab> {
  return testLab(SPEC, {
    on: 'traefik',
    algorithms: ['RS256', 'ES256', 'ES384', 'EdDSA'],
    mutate: (read, write) => {
      const policy = JSON.parse(read('policy.json')) as { jwt: object };
      write('policy.json', JSON.stringify({ ...policy, jwt: { ...policy.jwt, url: provider.url, keys: [] } }));
    },
  });
}

const claims = () => ({ iss: 'i', aud: 'a', sub: 'u-1', exp: Math.floor(Date.now() / 1000) + 600 });

async function ask(lab: TestLab, token: string | undefined): Promise<string> {
  const before = lab.double.seen.length;
  const outcome = await sendSketch(lab.subject, { method: 'GET', target: '/v1/models', headers: [['Authorization', `Bearer ${token}`]] });
  if (outcome.kind !== 'answer') return outcome.error;
  return `${outcome.status} ${errorCode(outcome.body) ?? '-'}, ${lab.double.seen.length - before} seen`;
}

function keysOf(lab: TestLab, ...algs: string[]): string {
  const { keys } = JSON.parse(lab.subject.issuer?.jwks ?? '') as { keys: { alg: string }[] };
  return JSON.stringify({ keys: keys.filter(({ alg }) => algs.includes(alg)) });
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const PASSED = '200 -, 1 seen';
const REFUSED = '401 invalid_credentials, 0 seen';

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!engineFor('traefik'))('keys at a URL', () => {
  test('are fetched once, again for an unknown key at most every 30 s, and kept while nothing else can be had', async () => {
    const provider = await startProvider();
    const lab = await labOf(provider);
    const sign = (alg: 'RS256' | 'ES256' | 'ES384' | 'EdDSA') => lab.subject.issuer?.sign(alg, claims());
    provider.answer = { status: 200, body: keysOf(lab, 'RS256', 'ES384', 'EdDSA') };
    for (const alg of ['RS256', 'ES384', 'EdDSA'] as const) expect(await ask(lab, sign(alg))).toBe(PASSED);
    expect(provider.fetches).toBe(1);
    // Not yet there, and not asked for again at once, however often somebody comes with it.
    provider.answer = { status: 200, body: keysOf(lab, 'RS256', 'ES256') };
    for (let i = 0; i < 5; i++) expect(await ask(lab, sign('ES256'))).toBe(REFUSED);
    expect(await ask(lab, lab.subject.issuer?.sign('RS256', claims(), { stranger: true }))).toBe(REFUSED);
    expect(provider.fetches).toBe(1);
    await pause(30.5);
    expect(await ask(lab, sign('ES256'))).toBe(PASSED);
    expect(provider.fetches).toBe(2);
    // What is no longer among them signs no more; the rest goes on while the provider is ill.
    expect(await ask(lab, sign('ES384'))).toBe(REFUSED);
    provider.answer = { status: 500, body: 'ill' };
    await pause(30.5);
    expect(await ask(lab, sign('EdDSA'))).toBe(REFUSED);
    expect(provider.fetches).toBe(3);
    expect(await ask(lab, sign('RS256'))).toBe(PASSED);
    await lab.close();
  });

  test('refuse everything as long as there are none, and the log says why', async () => {
    const provider = await startProvider();
    const lab = await labOf(provider);
    const token = lab.subject.issuer?.sign('RS256', claims());
    expect(await ask(lab, token)).toBe('503 policy_unavailable, 0 seen');
    const logged = () =>
      lab
        .logs()
        .map(({ text }) => text)
        .join('\n');
    const until = performance.now() + 3000;
    while (!logged().includes('identity provider') && performance.now() < until) await pause(0.05);
    expect(logged()).toContain('the keys of the identity provider cannot be fetched');
    // Another way in needs no keys.
    expect(await ask(lab, lab.subject.cast[0]?.key)).toBe(PASSED);
    provider.answer = { status: 200, body: keysOf(lab, 'RS256') };
    await pause(2.1);
    expect(await ask(lab, token)).toBe(PASSED);
    await lab.close();
  });

  test('are public ones that sign, from that place and no other', async () => {
    const provider = await startProvider();
    const lab = await labOf(provider);
    const rs256 = lab.subject.issuer?.sign('RS256', claims());
    const secret = Buffer.alloc(32, 7);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bytes = `${part({ alg: 'HS256', kid: 'k' })}.${part(claims())}`;
    const hs256 = `${bytes}.${createHmac('sha256', secret).update(bytes).digest('base64url')}`;
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const { keys } = JSON.parse(keysOf(lab, 'RS256')) as { keys: object[] };
    const wrong: [string, Provider['answer']][] = [
      ['a redirect', { status: 302, body: '', location: `${provider.url}?again` }],
      ['not JSON', { status: 200, body: 'keys' }],
      ['no keys', { status: 200, body: '{"keys":[]}' }],
      [
        'a shared secret',
        { status: 200, body: JSON.stringify({ keys: [{ kty: 'oct', kid: 'k', alg: 'HS256', k: secret.toString('base64url') }] }) },
      ],
      ['a small key', { status: 200, body: JSON.stringify({ keys: [{ ...small, kid: 'rs256-1', alg: 'RS256' }] }) }],
      ['a key for encryption', { status: 200, body: JSON.stringify({ keys: keys.map((key) => ({ ...key, use: 'enc' })) }) }],
      ['another algorithm', { status: 200, body: JSON.stringify({ keys: keys.map((key) => ({ ...key, alg: 'HS256' })) }) }],
      ['two megabytes', { status: 200, body: JSON.stringify({ keys, pad: 'x'.repeat(2_000_000) }) }],
    ];
    for (const [title, answer] of wrong) {
      provider.answer = answer;
      const before = provider.fetches;
      expect([title, await ask(lab, title === 'a shared secret' ? hs256 : rs256)]).toEqual([title, '503 policy_unavailable, 0 seen']);
      expect(provider.fetches).toBe(before + 1);
      await pause(2.1);
    }
    provider.answer = { status: 200, body: keysOf(lab, 'RS256') };
    expect(await ask(lab, rs256)).toBe(PASSED);
    expect(await ask(lab, hs256)).toBe(REFUSED);
    await lab.close();
  });
});
