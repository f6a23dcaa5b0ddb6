import { lookup } from 'node:dns/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { addressHex, cidrContains, parseCidr } from '../gateway/address.ts';
import { pathMatches, ROUTE_TABLE } from '../gateway/routes/index.ts';
import type { Route } from '../gateway/routes/route.ts';

/** What a server that somebody runs answers to a caller without any credential. */
export interface Finding {
  readonly route: string;
  readonly class: Route['class'];
  readonly asked: string;
  readonly status: number | null;
  readonly verdict: 'open' | 'guarded' | 'absent' | 'unclear' | 'no answer';
}

export interface ScanOptions {
  /** PEM of a CA to trust. */
  readonly ca?: string;
}

const TIMEOUT_MS = 10_000;
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
].flatMap((text) => parseCidr(text) ?? []);

/** Whether a URL leads to an address outside private and loopback ranges (RFC 1918, RFC 4193). */
export async function isPublic(url: URL): Promise<boolean> {
  const addresses = await lookup(url.hostname.replace(/^\[(.*)\]$/, '$1'), { all: true });
  return addresses.some(({ address }) => {
    const hex = addressHex(address);
    return hex === null || !PRIVATE.some((range) => cidrContains(range, hex));
  });
}

/**
 * How a route is asked without a credential. An inference route that takes JSON is asked with its own method and `{}`,
 * which it can only reject. Every other route is asked with a method that it does not have and that changes nothing:
 * some of them act without reading a body.
 */
export function questionFor(
  route: Route,
  table: readonly Route[] = ROUTE_TABLE.routes,
): { method: 'POST' | 'GET' | 'HEAD'; path: string; body: string | null } {
  const path = route.path.replace('{id}', 'gatewright-probe').replace(/\/?\*$/, '/gatewright-probe');
  const takesJson = route.class === 'inference' && route.method === 'POST' && !route.path.includes('{id}');
  if (takesJson) return { method: 'POST', path, body: '{}' };
  // `/v1/responses/render` is also a `/v1/responses/{id}`.
  const hasGet = table.some((other) => other.method === 'GET' && (other.path === route.path || pathMatches(other.path, path)));
  return { method: hasGet ? 'HEAD' : 'GET', path, body: null };
}

/** Asks for every route of the table without a credential. `/invocations` comes first, then whatever is open. */
export async function scan(url: URL, options: ScanOptions): Promise<Finding[]> {
  // vLLM's guard comes before its routing: 401 to any method. A front that asks for a credential on inference and yet
  // answers 405 without one looks at the method first, so its 405 does not say that a route is open.
  const asksForKey = [401, 403].includes((await ask(url, 'POST', '/v1/chat/completions', '{}', options)) ?? 0);
  const methodFirst = asksForKey && (await ask(url, 'HEAD', '/v1/models', null, options)) === 405;
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const route of ROUTE_TABLE.routes) {
    const question = questionFor(route);
    const key = `${question.method} ${question.path}`;
    if (seen.has(key)) continue;
    seen.add(key);
    let status = await ask(url, question.method, question.path, question.body, options);
    let asked = question.method as string;
    if (methodFirst && status === 405 && question.method === 'HEAD') {
      // Its own GET reads only; the answer says whether a credential is asked for.
      status = await ask(url, 'GET', question.path, null, options);
      asked = 'HEAD, GET';
    }
    findings.push({
      route: `${route.method} ${route.path}`,
      class: route.class,
      asked,
      status,
      verdict: verdictOf(status, methodFirst, question.method),
    });
  }
  const rank = (finding: Finding): number =>
    finding.route.endsWith(' /invocations') ? 0 : { open: 1, unclear: 2, 'no answer': 3, guarded: 4, absent: 5 }[finding.verdict];
  return findings
    .map((finding, i) => ({ finding, i }))
    .sort((a, b) => rank(a.finding) - rank(b.finding) || a.i - b.i)
    .map(({ finding }) => finding);
}

function verdictOf(status: number | null, methodFirst: boolean, method: string): Finding['verdict'] {
  if (status === null) return 'no answer';
  if (status === 401 || status === 403) return 'guarded';
  if (status === 404) return 'absent';
  if (status === 405 && methodFirst && method !== 'POST') return 'unclear';
  return 'open';
}

/** The status of one request, or null. Bodies are read only as far as they come at once, and dropped. */
function ask(url: URL, method: string, path: string, body: string | null, options: ScanOptions): Promise<number | null> {
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(
      {
        host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: url.port || (url.protocol === 'https:' ? 443 : 80),
        method,
        path: url.pathname.replace(/\/$/, '') + path,
        headers: {
          host: url.host,
          ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
        timeout: TIMEOUT_MS,
        agent: false,
        ...(options.ca ? { ca: options.ca } : {}),
      },
      (response) => {
        response.destroy();
        resolve(response.statusCode ?? null);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(null));
    request.end(body ?? undefined);
  });
}
