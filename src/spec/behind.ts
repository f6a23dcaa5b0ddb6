import type { Decision } from '../gateway/request.ts';
import type { RefusalCode } from '../gateway/refusals.ts';
import type { Gateway } from '../gateway/types.ts';
import type { Place } from '../problems/problem.ts';
import type { Path, SpecDocument } from './document.ts';

/** The part of the spec that a decision follows from. */
export interface Behind {
  /** Null when no line of the spec says it: a default, or a rule that no spec can change. */
  readonly at: Place | null;
  readonly line: string;
  readonly why: string;
}

/** The line of the spec behind a decision about a client's request for a route. */
export function behind(document: SpecDocument, gateway: Gateway, decision: Decision, clientName: string | null): Behind {
  const client = gateway.clients.findIndex((one) => one.name === clientName);
  const role = decision.kind === 'forward' || decision.kind === 'answer' ? decision.role : (gateway.clients[client]?.role ?? null);
  const find = (why: string, ...paths: Path[]): Behind => {
    const path = paths.find((candidate) => document.range(candidate) !== null);
    if (!path) return { at: null, line: '', why };
    const at = document.at(path);
    return { at, line: (document.text.split('\n')[at.line - 1] ?? '').trim(), why };
  };
  const roleRoutes: Path[] = [...(role === null ? [] : [['roles', role, 'routes']]), ['clients', client]];
  const requirement: Path[] = [['auth', 'require'], ['auth']];
  if (decision.kind === 'forward' || decision.kind === 'answer') return find(`the role "${role}" holds this route`, ...roleRoutes);
  if (decision.kind === 'preflight') return find('the origin is listed', ['cors']);
  if (decision.kind === 'redirect') return find('http only redirects', ['listen', 'http'], ['listen']);
  if (decision.kind === 'tls-refused') return find('TLS refused the certificate', ...requirement);
  if (decision.kind === 'acme') return find('the path of ACME', ['tls']);
  const paths: Partial<Record<RefusalCode, readonly [string, ...Path[]]>> = {
    not_found: ['no role holds a route of this path', ['roles']],
    method_not_allowed: ['no role holds this method of the path', ['roles']],
    unknown_host: ['the host is not listed', ['hosts']],
    invalid_credentials: ['the expression does not hold', ...requirement],
    identity_mismatch: ['the credentials name different clients', ...requirement],
    certificate_required: ['the expression asks for a certificate', ...requirement],
    address_denied: ['the address is not in the list', ['auth', 'ip', 'allow'], ...requirement],
    origin_denied: ['the origin is not listed', ['cors'], ...requirement],
    route_denied: [`the role "${role}" does not hold this route`, ...roleRoutes],
    model_denied: [`the role "${role}" does not hold this model`, ['roles', role ?? '', 'models']],
    model_not_found: ['there is no such model', ['models']],
    body_too_large: ['the body is over the limit', ['limits', 'body']],
    rate_limited: ['the rate is used up', ['clients', client, 'requests'], ['roles', role ?? '', 'requests']],
    too_many_concurrent: ['the slots are taken', ['clients', client, 'concurrent'], ['roles', role ?? '', 'concurrent']],
    too_many_failures: ['too many wrong passwords', ['limits', 'failures']],
    overloaded: ['the gateway is full', ['limits', 'concurrent']],
    https_required: ['http only redirects', ['listen', 'http'], ['listen']],
  };
  const [why, ...candidates] = paths[decision.code] ?? ['a rule that no spec can change'];
  return find(why, ...candidates);
}
