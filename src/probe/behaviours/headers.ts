import type { HeaderLine } from '../../gateway/request.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { keyLine, someone, withHeaders } from './cast.ts';

export const upstreamView: Behaviour = {
  id: 'headers/upstream',
  promise: 'The upstream sees the allowlist and the verified client, and nothing that the caller claims.',
  source: 'DECISION section 5; X-data-parallel-rank, X-Vllm-Priority and others steer vLLM',
  cases: (subject) => {
    const one = someone(subject);
    if (!one) return [];
    const claims: HeaderLine[] = [
      ['X-Gatewright-Client', 'admin'],
      ['X-Gatewright-Role', 'operator'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Real-IP', '10.0.0.1'],
      ['Forwarded', 'for=10.0.0.1'],
      ['Cookie', 'session=1'],
      ['X-Vllm-Priority', '0'],
      ['X-data-parallel-rank', '1'],
      ['X-Session-ID', 'x'],
      ['TE', 'trailers'],
      ['Proxy-Authorization', 'Basic eA=='],
      ['X-Request-Id', 'chosen-by-caller'],
    ];
    const passed: HeaderLine[] = [
      ['Accept', 'application/json'],
      ['Accept-Language', 'de'],
      ['User-Agent', 'probe/1'],
      ['OpenAI-Beta', 'x=1'],
      ['anthropic-version', '2023-06-01'],
    ];
    // A trusted proxy names the request, and nobody else.
    const proxied = { ...one.sketch, from: one.sketch.from ?? '203.0.113.7' };
    const ids: HeaderLine[][] = [
      [['X-Request-Id', 'chosen-by-the-proxy']],
      [['X-Request-Id', 'x'.repeat(64)]],
      [['X-Request-Id', 'x'.repeat(65)]],
      [['X-Request-Id', 'seven77']],
      [['X-Request-Id', 'has a space']],
      [
        ['X-Request-Id', 'chosen-by-the-proxy'],
        ['X-Request-Id', 'chosen-by-another'],
      ],
    ];
    return [
      ...[...claims, ...passed].map(
        (line): Case => ({ title: `${line[0]}: ${line[1]}`, sketch: withHeaders(one.sketch, line), opened: one.sketch }),
      ),
      ...ids.map(
        (lines): Case => ({
          title: `behind a trusted proxy, ${lines.map(([name, value]) => `${name}: ${value}`).join(' and ')}`,
          sketch: withHeaders(proxied, ...lines),
          opened: one.sketch,
        }),
      ),
    ];
  },
};

export const wellFormed: Behaviour = {
  id: 'headers/well-formed',
  promise: 'What two parsers could read differently is refused before anything is asked.',
  source: 'DECISION section 2',
  cases: (subject) => {
    const one = someone(subject);
    if (!one) return [];
    const { sketch, who } = one;
    const { gateway } = subject;
    const many = (count: number, size = 1): HeaderLine[] =>
      Array.from({ length: count }, (_, i) => [`X-Pad-${i}`, 'x'.repeat(size)] as const);
    const keyed = gateway.access.methods.includes('apiKey') && gateway.access.apiKeyHeaders.length > 1;
    const [first, second] = gateway.access.apiKeyHeaders;
    const carry = (name: string, key: string): HeaderLine => (name === 'authorization' ? ['Authorization', `Bearer ${key}`] : [name, key]);
    const plain = {
      ...sketch,
      headers: (sketch.headers ?? []).filter(([name]) => !gateway.access.apiKeyHeaders.includes(name.toLowerCase())),
    };
    const cases: [string, typeof sketch][] = [
      ['Origin twice', withHeaders(sketch, ['Origin', 'https://a.example'], ['Origin', 'https://a.example'])],
      ['100 lines too many', withHeaders(sketch, ...many(100))],
      ['a header of 33 KB', withHeaders(sketch, ...many(1, 33_000))],
      ['a target of 8193 bytes', { ...sketch, target: `${sketch.target}?${'x'.repeat(8193 - sketch.target.length - 1)}` }],
      ['a target of 8192 bytes', { ...sketch, target: `${sketch.target}?${'x'.repeat(8192 - sketch.target.length - 1)}` }],
      ['Connection: upgrade', withHeaders(sketch, ['Connection', 'upgrade'], ['Upgrade', 'websocket'])],
      ['Connection: h2c', withHeaders(sketch, ['Connection', 'Upgrade, HTTP2-Settings'], ['Upgrade', 'h2c'])],
      ['Connection: X-Gatewright-Client', withHeaders(sketch, ['Connection', 'X-Gatewright-Client'])],
      ['no Connection', { ...sketch, silent: true }],
      ['Connection: keep-alive', withHeaders(sketch, ['Connection', 'keep-alive'])],
      ['Connection: TE, close', withHeaders(sketch, ['Connection', 'TE, close'])],
      ['Connection: close and another', withHeaders(sketch, ['Connection', 'close, X-Api-Key'])],
      ['OPTIONS *', { ...sketch, method: 'OPTIONS', target: '*' }],
      ['Content-Encoding: gzip', withHeaders(sketch, ['Content-Encoding', 'gzip'])],
      ['?api_key= in the query', { ...sketch, target: `${sketch.target}?api_key=query-canary-91c2` }],
      ['?%74oken= in the query', { ...sketch, target: `${sketch.target}?%74oken=query-canary-91c2` }],
      ['a harmless query', { ...sketch, target: `${sketch.target}?limit=1` }],
    ];
    if (keyed && first && second) {
      cases.push([
        'two different keys',
        { ...plain, headers: [...(plain.headers ?? []), carry(first, who.key), carry(second, who.revokedKey)] },
      ]);
      cases.push([
        'the same key twice over',
        { ...plain, headers: [...(plain.headers ?? []), carry(first, who.key), carry(second, who.key)] },
      ]);
      const own = keyLine(subject, who.key, true)[0];
      if (own !== 'authorization')
        cases.push([`${own} twice`, { ...plain, headers: [...(plain.headers ?? []), [own, who.key], [own, who.key]] }]);
    }
    return cases.map(([title, s]): Case => ({ title, sketch: s, opened: sketch }));
  },
};

export const cors: Behaviour = {
  id: 'headers/cors',
  promise:
    'Listed origins can read answers, refusals included; no other page gets in on an address, a certificate or a remembered password.',
  source: 'DECISION steps 3 and 6, section 5',
  cases: (subject) => {
    const one = someone(subject);
    if (!one) return [];
    const { sketch } = one;
    const preflight = (origin: string, method: string, headers = 'authorization, content-type'): Case => ({
      title: `preflight from ${origin} for ${method}`,
      sketch: {
        method: 'OPTIONS',
        target: sketch.target,
        headers: [
          ['Origin', origin],
          ['Access-Control-Request-Method', method],
          ['Access-Control-Request-Headers', headers],
        ],
      },
      opened: sketch,
    });
    const listed = subject.gateway.cors[0];
    return [
      { title: 'a foreign Origin with a credential', sketch: withHeaders(sketch, ['Origin', 'https://evil.example']), opened: sketch },
      { title: 'Origin: null', sketch: withHeaders(sketch, ['Origin', 'null']), opened: sketch },
      { title: "the gateway's own Origin", sketch: withHeaders(sketch, ['Origin', `https://${subject.gateway.hosts[0]}`]), opened: sketch },
      preflight('https://evil.example', sketch.method),
      {
        title: 'OPTIONS without an Origin',
        sketch: { method: 'OPTIONS', target: sketch.target, headers: [['Access-Control-Request-Method', sketch.method]] },
        opened: sketch,
      },
      ...(listed
        ? [
            { title: 'a listed Origin', sketch: withHeaders(sketch, ['Origin', listed]), opened: sketch },
            {
              title: 'a listed Origin without a credential',
              sketch: {
                method: sketch.method,
                target: sketch.target,
                ...(sketch.body === undefined ? {} : { body: sketch.body }),
                headers: [['Origin', listed]] as const,
              },
              opened: sketch,
            },
            {
              title: 'a listed Origin on an unknown path',
              sketch: { ...withHeaders(sketch, ['Origin', listed]), target: '/nothing' },
              opened: 'double' as const,
            },
            preflight(listed, sketch.method),
            preflight(listed, 'DELETE'),
            preflight(listed, sketch.method.toLowerCase()),
            {
              title: 'what asks like a preflight and is none',
              sketch: {
                method: sketch.method,
                target: sketch.target,
                ...(sketch.body === undefined ? {} : { body: sketch.body }),
                headers: [
                  ['Origin', listed],
                  ['Access-Control-Request-Method', sketch.method],
                ] as const,
              },
              opened: sketch,
            },
            {
              title: 'OPTIONS from a listed Origin that asks for nothing',
              sketch: { method: 'OPTIONS', target: sketch.target, headers: [['Origin', listed]] as const },
              opened: sketch,
            },
            {
              ...preflight(listed, sketch.method),
              title: 'preflight on an unknown path',
              sketch: { ...preflight(listed, sketch.method).sketch, target: '/nothing' },
            },
            preflight(listed, sketch.method, 'x y, <b>'),
          ]
        : []),
    ];
  },
};

export const plainHttp: Behaviour = {
  id: 'headers/plain-http',
  promise: 'Port 80 redirects what carries no secret and refuses what already showed one.',
  source: 'DECISION step 1',
  cases: (subject) => {
    if (subject.gateway.listen.http === null) return [];
    const base = { method: 'GET', target: '/v1/models?x=1', scheme: 'http' } as const;
    const cases: [string, Parameters<typeof withHeaders>[0]][] = [
      ['GET', base],
      ['GET of another host', { ...base, host: 'other.example.org' }],
      ['HEAD', { ...base, method: 'HEAD' }],
      ['POST', { ...base, method: 'POST', body: '{}' }],
      ['GET with Authorization', withHeaders(base, ['Authorization', 'Bearer x'])],
      ['GET with X-API-Key', withHeaders(base, ['X-API-Key', 'x'])],
      ['GET with a cookie', withHeaders(base, ['Cookie', 'a=b'])],
      ['GET with a token in the query', { ...base, target: '/v1/models?token=query-canary-91c2' }],
      ['the ACME path', { ...base, target: '/.well-known/acme-challenge/x' }],
    ];
    return cases.map(([title, sketch]): Case => ({ title: `http: ${title}`, sketch, opened: 'double' }));
  },
};
