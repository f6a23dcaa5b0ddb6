import { addressHex, cidrContains } from '../../gateway/address.ts';
import type { Branch } from '../../gateway/expression.ts';
import type { HeaderLine } from '../../gateway/request.ts';
import { ROUTE_TABLE } from '../../gateway/routes/index.ts';
import type { Route } from '../../gateway/routes/route.ts';
import type { JwtAlgorithm } from '../../gateway/token.ts';
import type { TokenIssuer } from '../issuer.ts';
import type { Sketch } from '../request.ts';
import type { Credentials, Subject } from '../subject.ts';

/** The part of a request that says who is calling. */
export type Showing = Pick<Sketch, 'headers' | 'from' | 'certificate'>;

/** A word that must never appear in a log. */
export const PROMPT = 'prompt-canary-7f3a';
export const BODY = JSON.stringify({ model: 'double', messages: [{ role: 'user', content: PROMPT }] });

/** How a client shows what a branch asks for, or null when it cannot satisfy it. */
export function showing(subject: Subject, who: Credentials, branch: Branch): Showing | null {
  const { access } = subject.gateway;
  const headers: HeaderLine[] = [];
  let from: string | undefined;
  let certificate: Sketch['certificate'];
  for (const method of branch) {
    if (method === 'basic') headers.push(['Authorization', basic(who.client, who.password)]);
    else if (method === 'apiKey') headers.push(keyLine(subject, who.key, branch.includes('basic') || branch.includes('jwt')));
    else if (method === 'mtls') certificate = who.certificate ? { ...who.certificate, known: true } : undefined;
    else if (method === 'ip') from = inside(subject);
    else {
      const token = tokenOf(subject, who.client);
      if (token === null) return null;
      headers.push(['Authorization', `Bearer ${token}`]);
    }
  }
  if (branch.includes('mtls') && !certificate) return null;
  if (branch.length === 1 && branch[0] === 'ip' && access.addressClient !== who.client) return null;
  return { headers, ...(from === undefined ? {} : { from }), ...(certificate ? { certificate } : {}) };
}

/** A token of the client, when the spec says which subject it is. */
function tokenOf(subject: Subject, client: string): string | null {
  const sub = subject.gateway.clients.find((one) => one.name === client)?.subject ?? null;
  return sub === null ? null : forge(subject, { [subject.gateway.access.jwt?.client ?? 'sub']: sub });
}

/** A token that is right in everything, but for these claims; null where the spec takes none. */
export function forge(
  subject: Subject,
  claims: Readonly<Record<string, unknown>>,
  alg?: JwtAlgorithm,
  options?: Parameters<TokenIssuer['sign']>[2],
): string | null {
  const { issuer } = subject;
  const { jwt } = subject.gateway.access;
  const first = issuer?.algorithms[0];
  if (!issuer || !jwt || !first) return null;
  const now = Math.floor(Date.now() / 1000);
  return issuer.sign(
    alg ?? first,
    { iss: jwt.issuer, aud: jwt.audience, iat: now, exp: now + 600, [jwt.client]: 'u-1', ...claims },
    options,
  );
}

/** The first way in that a client has. */
export function firstWay(subject: Subject, who: Credentials): { branch: Branch; show: Showing } | null {
  for (const branch of subject.gateway.access.branches) {
    const show = showing(subject, who, branch);
    if (show) return { branch, show };
  }
  return null;
}

export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/** The header line that carries a key; beside Basic it needs a header of its own. */
export function keyLine(subject: Subject, key: string, authorizationTaken: boolean): HeaderLine {
  const { apiKeyHeaders } = subject.gateway.access;
  const name = apiKeyHeaders.find((header) => header !== 'authorization' || !authorizationTaken) ?? 'authorization';
  return name === 'authorization' ? ['Authorization', `Bearer ${key}`] : [name, key];
}

/** An address that is allowed. */
export function inside(subject: Subject): string {
  return subject.gateway.access.allow[0]?.text.split('/')[0] ?? '192.0.2.1';
}

/** An address that is not allowed: of the documentation ranges (RFC 5737), one that no range holds. */
export function outside(subject: Subject): string {
  const candidates = ['192.0.2.77', '198.51.100.77', '203.0.113.77'];
  return (
    candidates.find((text) => !subject.gateway.access.allow.some((range) => cidrContains(range, addressHex(text) ?? ''))) ?? '192.0.2.77'
  );
}

/** A request for a route, as its table says it is made. */
export function callOf(route: Pick<Route, 'method' | 'path'>): Pick<Sketch, 'method' | 'target' | 'body'> {
  const target = route.path.replace('{id}', 'resp_1').replace('*', 'X');
  return route.method === 'POST' ? { method: 'POST', target, body: BODY } : { method: route.method, target };
}

/** The route that best stands for what a role may do. */
export function typicalRoute(subject: Subject, client: string): Route | null {
  const role = subject.gateway.clients.find((c) => c.name === client)?.role;
  const names = subject.gateway.roles.find((r) => r.name === role)?.routes ?? [];
  const wanted = ['chat', 'models', ...names].find((name) => names.includes(name));
  return ROUTE_TABLE.routes.find((route) => route.name === wanted && !route.websocket) ?? null;
}

/** A typical request of a client that is let through, or null for a client that can reach nothing. */
export function admitted(subject: Subject, who: Credentials): Sketch | null {
  const way = firstWay(subject, who);
  const route = typicalRoute(subject, who.client);
  return way && route ? { ...callOf(route), ...way.show } : null;
}

/** The first client of the cast that can do something. */
export function someone(subject: Subject): { who: Credentials; sketch: Sketch } | null {
  for (const who of subject.cast) {
    const sketch = admitted(subject, who);
    if (sketch) return { who, sketch };
  }
  return null;
}

export function withHeaders(sketch: Sketch, ...headers: HeaderLine[]): Sketch {
  return { ...sketch, headers: [...(sketch.headers ?? []), ...headers] };
}

export function withoutBody({ body: _, ...rest }: Sketch): Sketch {
  return rest;
}
