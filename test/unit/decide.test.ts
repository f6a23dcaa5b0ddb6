import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/gateway/decide.ts';
import { policyOf } from '../../src/gateway/policy.ts';
import { REFUSALS, refusalBody } from '../../src/gateway/refusals.ts';
import type { GatewayRequest, HeaderLine, World } from '../../src/gateway/request.ts';
import type { Gateway } from '../../src/gateway/types.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { RICH_SPEC } from '../support/lab.ts';
import { specOf } from '../support/spec.ts';

const KEY = 'sk-alice-0123456789';
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const { gateway: rich } = resolveSpec(specOf(RICH_SPEC), { keys: [], certificates: [], jwtKeys: [], clientCa: 'ca/clients.pem' }, null);
if (!rich) throw new Error('the spec does not resolve');

const world = (more: Partial<World> = {}): World => ({
  now: 1_000_000,
  key: (digest) =>
    digest === sha(KEY)
      ? { client: 'alice', expires: null }
      : digest === sha('sk-expired-012345')
        ? { client: 'alice', expires: 999_999 }
        : null,
  password: ({ name, password }) => (name === 'bob' && password === 'right-password' ? 'right' : 'wrong'),
  jwt: (token) =>
    token === 'a.b.c'
      ? { valid: true, subject: 'u1', roles: ['nobody', 'reader'] }
      : token === 'a.b.d'
        ? { valid: true, subject: 'u2', roles: null }
        : token === 'a.b.e'
          ? { valid: true, subject: 'mapped', roles: null }
          : { valid: false, reason: 'signature' },
  certificate: (fingerprint) => (fingerprint === 'f1' ? 'alice' : null),
  rate: () => null,
  concurrent: () => 0,
  concurrentAll: () => 0,
  ...more,
});
const request = (more: Partial<GatewayRequest> & { lines?: HeaderLine[] } = {}): GatewayRequest => ({
  scheme: 'https',
  method: 'POST',
  target: '/v1/chat/completions',
  headers: [['Host', 'llm.example.com'], ...(more.lines ?? [['Authorization', `Bearer ${KEY}`] as const])],
  peer: '203.0.113.9',
  certificate: { kind: 'none' },
  body: { length: 10, read: 10 },
  model: { kind: 'none' },
  ...more,
});
const say = (r: GatewayRequest, w = world(), g: Gateway = rich): string => {
  const d = decide(g, r, w);
  return d.kind === 'refused'
    ? `${d.status} ${d.code}`
    : d.kind === 'forward'
      ? `forward ${d.client} ${d.role} ${d.upstream}`
      : d.kind === 'answer'
        ? `answer ${d.models.join()}`
        : d.kind === 'redirect'
          ? d.location
          : d.kind;
};
const get = (target: string, more: Partial<GatewayRequest> & { lines?: HeaderLine[] } = {}): GatewayRequest =>
  request({ method: 'GET', target, ...more });

describe('decide()', () => {
  test.each<[string, GatewayRequest, string, Partial<World>?]>([
    ['a key', request(), 'forward alice developer qwen'],
    ['a certificate that TLS refused beats everything', request({ certificate: { kind: 'rejected' } }), 'tls-refused'],
    ['an expired key', request({ lines: [['Authorization', 'Bearer sk-expired-012345']] }), '401 invalid_credentials'],
    ['a short key is not hashed', request({ lines: [['X-API-Key', 'abc']] }), '401 invalid_credentials'],
    [
      'an allowed address with a placeholder',
      get('/v1/models', { peer: '10.1.2.3', lines: [['Authorization', 'Bearer EMPTY']] }),
      'forward office reader qwen',
    ],
    ['its role', request({ peer: '10.1.2.3', lines: [] }), '403 route_denied'],
    [
      'an unlisted origin with a key',
      request({
        lines: [
          ['Authorization', `Bearer ${KEY}`],
          ['Origin', 'https://evil.example'],
        ],
      }),
      'forward alice developer qwen',
    ],
    [
      'an unlisted origin with an address',
      get('/v1/models', { peer: '10.1.2.3', lines: [['Origin', 'https://evil.example']] }),
      '403 origin_denied',
    ],
    [
      'a listed origin with an address',
      get('/v1/models', { peer: '10.1.2.3', lines: [['Origin', 'https://chat.example.com']] }),
      'forward office reader qwen',
    ],
    [
      'a certificate from an allowed address',
      request({ certificate: { kind: 'verified', fingerprint: 'f1' }, peer: '10.1.2.3', lines: [] }),
      'forward alice developer qwen',
    ],
    ['an unknown path', request({ target: '/invocations' }), '404 not_found'],
    ['HEAD', request({ method: 'HEAD', target: '/v1/models' }), '405 method_not_allowed'],
    ['too large', request({ body: { length: 20_000_001, read: 0 } }), '413 body_too_large'],
    ['exactly the limit', request({ body: { length: 20_000_000, read: 0 } }), 'forward alice developer qwen'],
    ['too large while read', request({ body: { length: null, read: 20_000_001 } }), '413 body_too_large'],
    [
      'encoded, and too large',
      request({
        lines: [
          ['Authorization', `Bearer ${KEY}`],
          ['Content-Encoding', 'gzip'],
        ],
        body: { length: 30_000_000, read: 0 },
      }),
      '415 unsupported_encoding',
    ],
    ['over the rate', request(), '429 rate_limited', { rate: () => 3 }],
    ['the rate before the slots', request(), '429 rate_limited', { rate: () => 3, concurrent: () => 99 }],
    ['over its slots', request(), '429 too_many_concurrent', { concurrent: () => 4, concurrentAll: () => 64 }],
    ['a full gateway', request(), '503 overloaded', { concurrentAll: () => 64 }],
    [
      'limits before an unknown length',
      request({ body: { length: null, read: 20_000_001 } }),
      '503 overloaded',
      { concurrentAll: () => 64 },
    ],
    [
      'a throttled password when no branch holds',
      request({ lines: [['Authorization', `Basic ${Buffer.from('bob:x').toString('base64')}`]] }),
      '429 too_many_failures',
      { password: () => ({ throttled: 7 }) },
    ],
    [
      'a throttled password from an allowed address',
      get('/v1/models', { peer: '10.0.0.1', lines: [['Authorization', `Basic ${Buffer.from('bob:x').toString('base64')}`]] }),
      'forward office reader qwen',
      { password: () => ({ throttled: 7 }) },
    ],
    ['http', request({ scheme: 'http' }), '403 https_required'],
    ['http without a secret', get('/v1/models?x=1', { scheme: 'http', lines: [] }), 'https://llm.example.com/v1/models?x=1'],
    [
      'http for another host goes to the first',
      get('/v1/models', { scheme: 'http', headers: [['Host', 'evil.example']] }),
      'https://llm.example.com/v1/models',
    ],
    ['ACME', get('/.well-known/acme-challenge/x', { scheme: 'http' }), 'acme'],
    ['ACME over https', get('/.well-known/acme-challenge/x'), '404 not_found'],
    ['our own namespace', get('/_gw/auth'), '404 not_found'],
    [':authority and Host differ', request({ authority: 'llm.example.com', headers: [['Host', 'localhost']] }), '400 bad_request'],
    ['a method in lower case', request({ method: 'post' }), '400 bad_request'],
  ])('%s', (_, r, expected, w) => expect(say(r, world(w))).toBe(expected));

  test('an expression without header leaves is never a 401', () => {
    const ipOnly = resolveSpec(
      specOf(
        'version: 1\nhosts: [a]\ndeploy: host\nmodels: [http://x:1]\nclients: [a]\nauth: { require: mtls and ip, ip: { allow: [10.0.0.0/8] } }\n',
      ),
      { keys: [], certificates: [], jwtKeys: [], clientCa: 'x' },
      null,
    ).gateway;
    if (!ipOnly) throw new Error('does not resolve');
    const at = (peer: string, certificate: GatewayRequest['certificate']) =>
      say(request({ peer, certificate, headers: [['Host', 'a']] }), world(), ipOnly);
    expect(at('203.0.113.9', { kind: 'none' })).toBe('403 certificate_required');
    expect(at('203.0.113.9', { kind: 'verified', fingerprint: 'f1' })).toBe('403 address_denied');
    expect(at('10.0.0.1', { kind: 'none' })).toBe('403 certificate_required');
  });

  test('tokens: a namespace of their own, the role of the claim, a mapped subject', () => {
    const jwt: Gateway = {
      ...rich,
      clients: [...rich.clients, { name: 'ci', role: 'operator', requests: null, concurrent: null, subject: 'mapped' }],
      access: {
        ...rich.access,
        methods: ['jwt', 'apiKey'],
        branches: [['jwt'], ['apiKey']],
        expression: {
          kind: 'or',
          offset: 0,
          left: { kind: 'leaf', method: 'jwt', offset: 0 },
          right: { kind: 'leaf', method: 'apiKey', offset: 0 },
        },
        jwt: { issuer: '', audience: '', keys: [], source: 'jwks.json', client: 'sub', roles: 'roles', role: 'developer' },
      },
    };
    const bearer = (token: string): string => say(get('/v1/models', { lines: [['Authorization', `Bearer ${token}`]] }), world(), jwt);
    expect(bearer('a.b.c')).toBe('forward jwt:u1 reader qwen');
    expect(bearer('a.b.d')).toBe('forward jwt:u2 developer qwen');
    expect(bearer('a.b.e')).toBe('forward ci operator qwen');
    expect(bearer('x.y.z')).toBe('401 invalid_credentials');
    expect(bearer(KEY)).toBe('forward alice developer qwen');
    // A JWT beside a key in its own header is no ambiguity.
    expect(
      say(
        get('/v1/models', {
          lines: [
            ['Authorization', 'Bearer x.y.z'],
            ['X-API-Key', KEY],
          ],
        }),
        world(),
        jwt,
      ),
    ).toBe('forward alice developer qwen');
  });

  test('several models: by name, by alias, by role; the list is answered from the spec', () => {
    const base = rich.models[0];
    if (!base) throw new Error('no model');
    const many: Gateway = {
      ...rich,
      models: [base, { ...base, name: 'phi', aliases: ['microsoft/phi'], id: 'phi' }],
      roles: rich.roles.map((role) => (role.name === 'developer' ? { ...role, models: ['phi'] } : role)),
    };
    const model = (m: GatewayRequest['model'], more: Partial<GatewayRequest> = {}): string =>
      say(request({ model: m, ...more }), world(), many);
    expect(model({ kind: 'name', name: 'phi' })).toBe('forward alice developer phi');
    expect(model({ kind: 'name', name: 'microsoft/phi' })).toBe('forward alice developer phi');
    expect(model({ kind: 'name', name: 'qwen' })).toBe('403 model_denied');
    expect(model({ kind: 'name', name: 'gpt' })).toBe('404 model_not_found');
    expect(model({ kind: 'none' })).toBe('400 bad_request');
    expect(model({ kind: 'unreadable' })).toBe('400 bad_request');
    expect(say(get('/v1/models'), world(), many)).toBe('answer phi,microsoft/phi');
  });

  test('a WebSocket needs its Upgrade, and no credential excuses a foreign page', () => {
    const ws: Gateway = {
      ...rich,
      roles: rich.roles.map((role) => ({ ...role, routes: [...role.routes, 'realtime'] })),
      routes: [
        ...rich.routes,
        {
          name: 'realtime',
          method: 'GET',
          path: '/v1/realtime',
          class: 'inference',
          guarded: true,
          grantable: true,
          registered: 'task',
          model: 'none',
          websocket: true,
        },
      ],
    };
    const upgrade: HeaderLine[] = [
      ['Authorization', `Bearer ${KEY}`],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ];
    expect(say(get('/v1/realtime'), world(), ws)).toBe('426 upgrade_required');
    expect(say(get('/v1/realtime', { lines: upgrade }), world(), ws)).toBe('forward alice developer qwen');
    expect(say(get('/v1/realtime', { lines: [...upgrade, ['Origin', 'https://evil.example']] }), world(), ws)).toBe('403 origin_denied');
    expect(say(get('/v1/models', { lines: upgrade }), world(), ws)).toBe('400 bad_request');
    expect(
      say(
        get('/v1/realtime', {
          lines: [
            ['Connection', 'Upgrade'],
            ['Upgrade', 'h2c'],
          ],
        }),
        world(),
        ws,
      ),
    ).toBe('400 bad_request');
  });

  test('is monotone: one more wrong credential never changes who an allowed caller is', () => {
    const wrong = fc.constantFrom<HeaderLine>(
      ['Authorization', 'Bearer wrong-key-0123456789'],
      ['Authorization', 'Basic %%%'],
      ['Authorization', `Basic ${Buffer.from('bob:nope').toString('base64')}`],
      ['X-API-Key', 'wrong-key-0123456789'],
    );
    fc.assert(fc.property(wrong, (line) => say(get('/v1/models', { peer: '10.0.0.1', lines: [line] })) === 'forward office reader qwen'));
  });

  test('a request with no credential is never forwarded, whatever else it has', () => {
    const word = fc.constantFrom(
      'Origin',
      'Accept',
      'X-Forwarded-For',
      'X-Real-IP',
      'Connection',
      'Cookie',
      'X-Gatewright-Client',
      'Forwarded',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...rich.routes),
        fc.array(fc.tuple(word, fc.constantFrom('10.0.0.1', 'alice', 'close', 'https://chat.example.com'))),
        (route, lines) => {
          return !say(request({ method: route.method, target: route.path, lines })).startsWith('forward');
        },
      ),
    );
  });

  test('what goes upstream is an allowlist', () => {
    const d = decide(
      rich,
      request({
        lines: [
          ['Authorization', `Bearer ${KEY}`],
          ['Cookie', 'x'],
          ['Accept', 'a/b'],
          ['X-Trace-Id', 't'],
          ['X-Vllm-Priority', '0'],
          ['X-Forwarded-For', '10.0.0.1'],
        ],
      }),
      world(),
    );
    expect(d.kind === 'forward' && Object.fromEntries(d.upstreamHeaders)).toEqual({
      accept: 'a/b',
      'x-trace-id': 't',
      host: 'host.docker.internal:1',
      'x-gatewright-client': 'alice',
      'x-gatewright-role': 'developer',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
    });
  });
});

describe('the policy', () => {
  test('holds no credential, and its hash covers all of it', () => {
    const policy = policyOf(rich, () => 7);
    expect(JSON.stringify(policy)).not.toContain(sha(KEY));
    expect(policyOf({ ...rich, limits: { ...rich.limits, body: 1 } }, () => 7).hash).not.toBe(policy.hash);
    expect(policyOf(rich, () => 7)).toEqual(policy);
  });

  test('has a body for each refusal, in the shape that SDKs read', () => {
    for (const [code, { status, type }] of Object.entries(REFUSALS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(JSON.parse(refusalBody(code as keyof typeof REFUSALS))).toEqual({
        error: { message: expect.any(String) as string, type, param: null, code },
      });
    }
  });
});
