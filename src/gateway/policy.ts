import { createHash } from 'node:crypto';
import type { Cidr } from './address.ts';
import { branchesOf, type Method } from './expression.ts';
import { PASSED_HEADERS, WEBSOCKET_HEADERS } from './forward.ts';
import { KEY_LENGTH, MAX_PASSWORD_BYTES } from './identity.ts';
import { distinctLimits, rateClass } from './limits.ts';
import type { Rate } from './quantity.ts';
import { REFUSALS, refusalBody } from './refusals.ts';
import type { Route } from './routes/route.ts';
import { JWT_LEEWAY, type JwtSettings, keysUrl } from './token.ts';
import type { Gateway } from './types.ts';
import { FORBIDDEN_PARAMETERS, LIMITS, SINGLE_HEADERS, secretHeaders } from './well-formed.ts';

/** What a gate reads. The format is described in docs/policy.md; a change of meaning changes `format`. */
export interface Policy {
  readonly format: 1;
  /** SHA-256 of everything else here; the look-ups derived from this policy carry it too. */
  readonly hash: string;
  readonly [key: string]: unknown;
}

/**
 * The whole policy as plain data, in the order in which `decide()` asks. It holds no secret and no look-up that grows
 * with the number of credentials. `retryAfter` is how long an engine makes a caller wait, which only the engine knows.
 */
export function policyOf(gateway: Gateway, retryAfter: (rate: { count: number; seconds: number }) => number): Policy {
  const { access } = gateway;
  const rates = new Map(distinctLimits(gateway).rates.map((rate) => [rateClass(rate), rate] as const));
  const content = {
    hosts: presence(gateway.hosts),
    limits: { ...LIMITS, body: gateway.limits.body, concurrent: gateway.limits.concurrent, key: KEY_LENGTH, password: MAX_PASSWORD_BYTES },
    singleHeaders: [...new Set([...SINGLE_HEADERS, ...(access.methods.includes('apiKey') ? access.apiKeyHeaders : [])])],
    forbiddenParameters: presence(FORBIDDEN_PARAMETERS),
    paths: pathsOf(gateway.routes.filter((route) => !route.path.includes('{id}'))),
    patterns: patternsOf(gateway.routes),
    methods: presence(access.methods),
    keyHeaders: access.methods.includes('apiKey') ? access.apiKeyHeaders : [],
    secretHeaders: secretHeaders(gateway),
    branches: access.branches,
    // For the answer when nothing holds: what each alternative asks beside header credentials.
    beside: [
      ...new Map(
        branchesOf(access.expression)
          .map((branch) => besideHeaders(branch))
          .map((b) => [b.join(), b]),
      ).values(),
    ],
    allow: access.allow.map(range),
    trusted: gateway.listen.trustedProxies.map(range),
    addressClient: access.addressClient,
    roles: Object.fromEntries(gateway.roles.map((role) => [role.name, presence(role.routes)])),
    ...(access.jwt ? { jwt: jwtPolicy(gateway, access.jwt) } : {}),
    retryAfter: Object.fromEntries([...rates].map(([name, rate]) => [name, retryAfter(rate)])),
    failures: { ...gateway.limits.failures, retryAfter: retryAfter(gateway.limits.failures) },
    cors: presence(gateway.cors),
    passedHeaders: [...PASSED_HEADERS, ...gateway.forwardHeaders],
    websocketHeaders: WEBSOCKET_HEADERS,
    models: gateway.models.map((model) => ({ id: model.id, key: model.keyRequired })),
    https: gateway.listen.https,
    firstHost: gateway.hosts[0],
    statuses: Object.fromEntries(Object.entries(REFUSALS).map(([code, { status }]) => [code, status])),
    bodies: Object.fromEntries(Object.keys(REFUSALS).map((code) => [code, refusalBody(code as keyof typeof REFUSALS)])),
  };
  return { format: 1, hash: createHash('sha256').update(JSON.stringify(content)).digest('hex'), ...content };
}

/** Whose tokens are taken; who is a client of the spec; and what others may, who have the limits of their role. */
function jwtPolicy(gateway: Gateway, jwt: JwtSettings) {
  const rate = (limits: { requests: Rate | null; concurrent: number | null }) => ({
    rate: rateClass(limits.requests),
    concurrent: limits.concurrent === null ? '' : String(limits.concurrent),
  });
  return {
    issuer: jwt.issuer,
    audience: jwt.audience,
    client: jwt.client,
    roles: jwt.roles ?? '',
    role: jwt.role ?? '',
    leeway: JWT_LEEWAY,
    url: keysUrl(jwt) ?? '',
    keys: jwt.keys.map((key) => ({
      kid: key.kid ?? '',
      alg: key.alg,
      ...(key.secret === null ? { spki: key.spki } : { file: `jwt/${key.secret}.key` }),
    })),
    subjects: Object.fromEntries(gateway.clients.flatMap((client) => (client.subject === null ? [] : [[client.subject, client.name]]))),
    limits: Object.fromEntries(gateway.roles.map((role) => [role.name, rate(role)])),
  };
}

/** The clients, for an engine whose policy holds them; others look them up (lookups.ts). */
export function clientsOf(gateway: Gateway): Record<string, { role: string; rate: string; concurrent: string }> {
  return Object.fromEntries(
    gateway.clients.map((client) => [
      client.name,
      { role: client.role, rate: rateClass(client.requests), concurrent: client.concurrent === null ? '' : String(client.concurrent) },
    ]),
  );
}

const presence = (names: readonly string[]): Record<string, 1> => Object.fromEntries(names.map((name) => [name, 1] as const));
const range = ({ hex, bits }: Cidr) => ({ hex, bits });
const besideHeaders = (branch: readonly Method[]): Method[] => branch.filter((method) => method === 'ip' || method === 'mtls').sort();

interface PathPolicy {
  readonly allow: string;
  readonly methods: Record<string, { readonly route: string; readonly websocket: boolean }>;
}

function pathsOf(routes: readonly Route[]): Record<string, PathPolicy> {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  return Object.fromEntries([...paths].map(([path, here]) => [path, pathPolicy(here)]));
}

function pathPolicy(routes: readonly Route[]): PathPolicy {
  return {
    allow: [...new Set(routes.map((route) => route.method))].sort().join(', '),
    methods: Object.fromEntries(routes.map((route) => [route.method, { route: route.name, websocket: route.websocket }])),
  };
}

function patternsOf(routes: readonly Route[]): (PathPolicy & { head: string; tail: string })[] {
  return Object.entries(pathsOf(routes.filter((route) => route.path.includes('{id}')))).map(([path, policy]) => {
    const [head = '', tail = ''] = path.split('{id}');
    return { head, tail, ...policy };
  });
}
