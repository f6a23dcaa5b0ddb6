import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { branchesOf, parseExpression, twoAuthorizations } from '../../src/gateway/expression.ts';
import type { HeaderLine } from '../../src/gateway/request.ts';
import { ROUTE_TABLE } from '../../src/gateway/routes/index.ts';
import { basic, forge } from '../../src/probe/behaviours/cast.ts';
import { judge } from '../../src/probe/judge.ts';
import type { Sketch } from '../../src/probe/request.ts';
import type { Subject } from '../../src/probe/subject.ts';
import { noteSecrets } from '../support/evidence.ts';
import { ENGINE_NAMES, engineFor, testLab } from '../support/lab.ts';

/*
 * Generated specs × generated requests: whatever decide() says, the engine must do. Credentials, routes, spellings and
 * headers are drawn independently, so that combinations come up which nobody would write down.
 */
/** Under CI 5,040 cases an engine; elsewhere as many as one likes to wait for. */
const SPECS = Number(process.env.GATEWRIGHT_SPECS ?? (process.env.CI ? 210 : 26));
const REQUESTS = 24;
/** Fixed under CI, so that a change is judged by what it changes; drawn anew wherever somebody can look at what turns up. */
const SEED = Number(process.env.GATEWRIGHT_SEED ?? (process.env.CI ? 20_261_121 : Math.floor(Math.random() * 2 ** 31)));

const method = fc.constantFrom('apiKey', 'basic', 'jwt', 'mtls', 'ip');
const expression = fc
  .letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      method,
      fc.tuple(tie('node'), fc.constantFrom('and', 'or'), tie('node')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    ),
  }))
  .node.map((text) => text.replace(/^\((.*)\)$/s, (whole, inner: string) => (isBalanced(inner) ? inner : whole)));

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}

const grantable = ROUTE_TABLE.routes.filter((route) => route.grantable && !route.websocket).map((route) => route.name);
const routes = fc.uniqueArray(fc.constantFrom('openai', 'anthropic', 'tokens', 'health', 'metrics', ...grantable), {
  minLength: 1,
  maxLength: 4,
});

/** Two methods that both need Authorization are refused where the text joins them directly. */
function isSpec(text: string): boolean {
  const parsed = parseExpression(text);
  return !('error' in parsed) && !twoAuthorizations(parsed.expression) && branchesOf(parsed.expression).some(isPossible);
}
const isPossible = (branch: readonly string[]): boolean => !(branch.includes('basic') && branch.includes('jwt'));

const spec = fc.record({
  expression: expression.filter(isSpec),
  alpha: routes,
  beta: routes,
  headers: fc.constantFrom(
    ['Authorization', 'X-API-Key'],
    ['X-API-Key'],
    ['X-Key', 'Authorization'],
    ['Authorization', 'X-Key', 'X-API-Key'],
  ),
  cors: fc.boolean(),
  key: fc.boolean(),
  forward: fc.boolean(),
});

function specText({
  expression: text,
  alpha,
  beta,
  headers,
  cors,
  key,
  forward,
}: ReturnType<typeof spec.generate> extends { value: infer V } ? V : never): string {
  const parsed = parseExpression(text);
  if ('error' in parsed) throw new Error(parsed.error.message);
  const branches = branchesOf(parsed.expression).filter(isPossible);
  const names = new Set(branchesOf(parsed.expression).flat());
  const alone = branches.some((branch) => branch.length === 1 && branch[0] === 'ip');
  const sub = (name: string): object => (names.has('jwt') && forward ? { sub: `sub-of-${name}` } : {});
  return JSON.stringify({
    version: 1,
    hosts: ['llm.example.com', 'other.example.com', '[::1]'],
    models: [{ upstream: 'http://127.0.0.1:1', key: key ? 'required' : 'none' }],
    auth: {
      require: text,
      ...(names.has('apiKey') ? { apiKey: { headers } } : {}),
      ...(names.has('jwt')
        ? {
            jwt: {
              issuer: 'https://idp.example.com',
              audience: 'llm',
              keys: 'jwks.json',
              ...(cors ? { roles: 'groups' } : { role: 'beta' }),
            },
          }
        : {}),
      ...(names.has('ip') ? { ip: { allow: ['10.0.0.0/8', '192.168.4.0/23', '2001:db8::/33'], ...(alone ? { as: 'bob' } : {}) } } : {}),
    },
    roles: { alpha: { routes: alpha }, beta: { routes: beta } },
    clients: [
      { name: 'alice', role: 'alpha', ...sub('alice') },
      { name: 'bob', role: 'beta', ...sub('bob') },
    ],
    ...(cors ? { cors: ['https://chat.example.com', 'http://localhost:3000'] } : {}),
    ...(forward ? { forwardHeaders: ['X-Trace-Id'] } : {}),
    limits: { body: '2KB', failures: '200/minute' },
  });
}

/** Mostly the plain value: a request that is wrong in five ways shows only the first of them. */
const mostly = <T>(weight: number, plain: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const request = fc.record({
  authorization: fc.constantFrom(
    'none',
    'none',
    'key',
    'key',
    'other key',
    'expired',
    'revoked',
    'EMPTY',
    'garbage',
    'two spaces',
    'lower case',
    'basic',
    'basic',
    'wrong basic',
    'unknown basic',
    'no colon',
    'bad base64',
    'long basic',
    'token',
    'token',
    'token of alice',
    'token of bob',
    'token with a role',
    'expired token',
    'forged token',
    'token of nobody',
    'two dots',
  ),
  keyHeader: mostly(2, 'none', 'key', 'other key', 'revoked', 'short', 'empty', 'long'),
  certificate: fc.oneof(
    { weight: 3, arbitrary: fc.constant('none') },
    { weight: 4, arbitrary: fc.constant('alice') },
    { weight: 2, arbitrary: fc.constantFrom('bob', 'revoked', 'foreign') },
  ),
  from: fc.constantFrom(
    undefined,
    undefined,
    '10.1.2.3',
    '192.168.5.255',
    '192.168.6.0',
    '203.0.113.9',
    '::ffff:10.9.9.9',
    '2001:db8::7',
    '2001:db8:8000::1',
    '[2001:db8::1]:443',
    '10.1.2.3:5555',
    '10.1.2.3, 203.0.113.9',
    '203.0.113.9, 10.1.2.3',
    '10.1.2.3, 127.0.0.9',
    'unknown',
    '10.1.2.3, ',
    '010.1.2.3',
    '1.2.3.4.5',
    '::1%eth0',
    '127.0.0.9',
  ),
  route: fc.constantFrom(...ROUTE_TABLE.routes.filter((route) => !route.websocket)),
  pick: fc.nat(100),
  alias: mostly(5, 'granted', 'own', 'models'),
  method: mostly(7, 'own', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'QUERY', 'post'),
  spelling: mostly(
    6,
    'plain',
    '//',
    '/.',
    '%2e',
    '%2f',
    ';x',
    '/',
    'upper',
    '%6d',
    '%7E',
    '?a=b',
    '?token=q',
    '?%6bey=q',
    '?a=b&APIKEY=q',
    '?x=%',
    'absolute',
    'absolute other',
    'absolute no path',
    '\\',
    '%00',
    '%zz',
    '#f',
    '%20',
    '%c3%a9',
  ),
  host: mostly(9, 'own', 'other', 'upper', 'port', 'dot', 'evil', 'user', 'v6', 'v6 port', 'colon'),
  extras: fc.uniqueArray(
    fc.constantFrom<HeaderLine>(
      ['Origin', 'https://chat.example.com'],
      ['Origin', 'https://evil.example'],
      ['Origin', 'null'],
      ['Origin', 'https://llm.example.com'],
      ['Origin', 'https://LLM.example.com:443'],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Method', 'GET'],
      ['Access-Control-Request-Headers', 'authorization,content-type'],
      ['Access-Control-Request-Headers', 'a b'],
      ['Content-Encoding', 'gzip'],
      ['Content-Encoding', 'identity'],
      ['X-Trace-Id', 'trace-1'],
      ['X-Request-Id', 'abcdefgh-1'],
      ['X-Request-Id', 'no'],
      ['Cookie', 'a=b'],
      ['X-Gatewright-Client', 'root'],
      ['Accept', 'text/event-stream'],
      ['User-Agent', 'fuzz'],
      ['OpenAI-Beta', 'assistants=v2'],
      ['Connection', 'keep-alive'],
      ['Connection', 'close, X-Gatewright-Role'],
      ['Connection', 'upgrade'],
      ['Upgrade', 'websocket'],
      ['Expect', ''],
      ['X-Real-IP', '10.0.0.1'],
    ),
    { maxLength: 2, selector: ([name, value]) => name + value },
  ),
  body: mostly(4, 'small', 'limit', 'over', 'chunked over', 'chunked', 'none'),
});
type Drawn = ReturnType<typeof request.generate> extends { value: infer V } ? V : never;

/** One drawn request as bytes for this subject. */
function sketchOf(subject: Subject, drawn: Drawn): Sketch {
  const [alice, bob] = subject.cast;
  if (!alice || !bob) throw new Error('two clients are needed');
  const headers: HeaderLine[] = [];
  const authorization: Record<string, string> = {
    key: `Bearer ${alice.key}`,
    'other key': `Bearer ${bob.key}`,
    expired: `Bearer ${alice.expiredKey}`,
    revoked: `Bearer ${alice.revokedKey}`,
    EMPTY: 'Bearer EMPTY',
    garbage: 'Bearer a,b',
    'two spaces': `Bearer  ${alice.key}`,
    'lower case': `bearer ${alice.key}`,
    basic: basic(alice.client, alice.password),
    'wrong basic': basic(alice.client, 'wrong-password-9'),
    'unknown basic': basic('mallory', alice.password),
    'no colon': `Basic ${Buffer.from('alice').toString('base64')}`,
    'bad base64': 'Basic YWxpY2U6eA',
    'long basic': basic(alice.client, 'x'.repeat(73)),
    token: `Bearer ${forge(subject, {}) ?? 'no.such.token'}`,
    'token of alice': `bearer ${forge(subject, { sub: 'sub-of-alice' }) ?? 'no.such.token'}`,
    'token of bob': `Bearer ${forge(subject, { sub: 'sub-of-bob' }) ?? 'no.such.token'}`,
    'token with a role': `Bearer ${forge(subject, { groups: ['none', 'alpha', 'beta'] }) ?? 'no.such.token'}`,
    'expired token': `Bearer ${forge(subject, { exp: 1_700_000_000 }) ?? 'no.such.token'}`,
    'forged token': `Bearer ${forge(subject, { groups: 'alpha' }, undefined, { stranger: true }) ?? 'no.such.token'}`,
    'token of nobody': `Bearer ${forge(subject, { sub: 'a b', groups: 'emperor' }) ?? 'no.such.token'}`,
    'two dots': 'Bearer aaaaaaaa.bbbbbbbb.cccccccc',
  };
  if (drawn.authorization !== 'none') headers.push(['Authorization', authorization[drawn.authorization] ?? '']);
  const keys: Record<string, string> = {
    key: alice.key,
    'other key': bob.key,
    revoked: alice.revokedKey,
    short: 'abc',
    empty: '',
    long: 'k'.repeat(513),
  };
  const own = subject.gateway.access.apiKeyHeaders.find((name) => name !== 'authorization') ?? 'x-api-key';
  if (drawn.keyHeader !== 'none') headers.push([own, keys[drawn.keyHeader] ?? '']);
  headers.push(...drawn.extras);

  const granted = subject.gateway.routes.filter((one) => !one.websocket);
  const route =
    drawn.alias === 'own'
      ? drawn.route
      : drawn.alias === 'granted'
        ? (granted[drawn.pick % granted.length] ?? drawn.route)
        : (ROUTE_TABLE.routes.find((one) => one.name === drawn.alias) ?? drawn.route);
  const httpMethod = drawn.method === 'own' ? route.method : drawn.method;
  const path = route.path.replace('{id}', 'resp_1-X').replace('*', 'X');
  const hosts: Record<string, string> = {
    own: 'llm.example.com',
    other: 'other.example.com',
    upper: 'LLM.Example.COM',
    port: 'llm.example.com:8443',
    dot: 'llm.example.com.',
    evil: 'evil.example',
    user: 'a@llm.example.com',
    v6: '[::1]',
    'v6 port': '[::1]:1',
    colon: 'llm.example.com:',
  };
  const sizes: Record<string, number> = { small: 40, limit: 2000, over: 2001, 'chunked over': 2001, chunked: 60 };
  const hasBody =
    httpMethod !== 'TRACE' && httpMethod !== 'HEAD' && drawn.body !== 'none' && (httpMethod === 'POST' || httpMethod === 'PUT');
  const certificates = {
    none: undefined,
    alice: alice.certificate && { ...alice.certificate, known: true },
    bob: bob.certificate && { ...bob.certificate, known: true },
    revoked: alice.revokedCertificate && { ...alice.revokedCertificate, known: true },
    foreign: subject.foreignCertificate && { ...subject.foreignCertificate, known: false },
  };
  const certificate = certificates[drawn.certificate as keyof typeof certificates];
  return {
    method: httpMethod,
    target: spell(path, drawn.spelling),
    headers,
    host: hosts[drawn.host] ?? 'llm.example.com',
    ...(hasBody ? { body: `{"p":"${'p'.repeat((sizes[drawn.body] ?? 40) - 8)}"}` } : {}),
    ...(hasBody && drawn.body.startsWith('chunked') ? { chunked: true } : {}),
    ...(certificate ? { certificate } : {}),
    ...(drawn.from === undefined ? {} : { from: drawn.from }),
  };
}

function spell(path: string, how: string): string {
  const cut = path.lastIndexOf('/');
  switch (how) {
    case 'plain':
      return path;
    case '//':
      return `${path.slice(0, cut)}//${path.slice(cut + 1)}`;
    case '%2e':
      return `${path.slice(0, cut)}/%2e${path.slice(cut)}`;
    case '%2f':
      return `${path.slice(0, cut)}%2f${path.slice(cut + 1)}`;
    case 'upper':
      return path.toUpperCase();
    case '%6d':
      return path.replace('m', '%6d');
    case 'absolute':
      return `https://llm.example.com${path}`;
    case 'absolute other':
      return `https://evil.example${path}`;
    case 'absolute no path':
      return 'https://llm.example.com';
    default:
      return path + how;
  }
}

describe.for(ENGINE_NAMES.filter(engineFor))('decide() and %s', (engine) => {
  test(`agree on ${SPECS * REQUESTS} generated requests (GATEWRIGHT_SEED=${SEED})`, { timeout: SPECS * 15_000 }, async () => {
    const specs = fc.sample(spec, { seed: SEED, numRuns: SPECS });
    const differences: string[] = [];
    const kinds = new Map<string, number>();
    let cases = 0;
    let labelled = 0;
    const start = performance.now();
    for (const [i, drawnSpec] of specs.entries()) {
      const text = specText(drawnSpec);
      // Traefik has its routing from the file and from the labels in turn.
      const labels = engine === 'traefik' && i % 2 === 1;
      if (labels) labelled++;
      const lab = await testLab(text, { on: engine, labels });
      noteSecrets(['wrong-password-9', 'Bearer EMPTY']);
      for (const drawn of fc.sample(request, { seed: SEED + i + 1, numRuns: REQUESTS })) {
        const sketch = sketchOf(lab.subject, drawn);
        const trial = await lab.trial(sketch);
        const verdict = judge(lab.subject, trial);
        cases++;
        kinds.set(verdict.expected, (kinds.get(verdict.expected) ?? 0) + 1);
        if (verdict.differences.length > 0)
          differences.push(
            `${drawnSpec.expression} ${JSON.stringify(drawn)}\n    ${sketch.method} ${sketch.target.slice(0, 90)}\n    expected ${verdict.expected}, got ${verdict.got}: ${verdict.differences.join('; ')}`,
          );
      }
      await lab.close();
    }
    console.log(
      `${engine}${labelled > 0 ? ` (${labelled} of ${SPECS} specs by labels)` : ''}: ${cases} cases, ${(cases / ((performance.now() - start) / 1000)).toFixed(0)} a second, seed ${SEED}, ${differences.length} differences; ${[
        ...kinds,
      ]
        .sort((a, b) => b[1] - a[1])
        .map(([kind, n]) => `${n}× ${kind}`)
        .join(', ')}`,
    );
    expect(differences.slice(0, 12).join('\n')).toBe('');
    expect(cases).toBe(SPECS * REQUESTS);
    // A draw in which nearly all is refused early, or nothing ever passes, would prove little.
    expect(kinds.get('200 →upstream') ?? 0).toBeGreaterThan(10);
    expect(kinds.size).toBeGreaterThan(8);
  });
});
