import { allowedMethods, corsHeaders, isForeignOrigin, preflightHeaders } from './cors.ts';
import { upstreamHeaders } from './forward.ts';
import { identify } from './identity.ts';
import { REFUSALS, type RefusalCode } from './refusals.ts';
import { type Decision, type GatewayRequest, type HeaderLine, headerValues, type World } from './request.ts';
import { pathMatches } from './routes/index.ts';
import type { Route } from './routes/route.ts';
import { type Gateway, looksAtModel, type Model, type Role } from './types.ts';
import {
  hasForbiddenParameter,
  listedHost,
  malformed,
  requestAuthority,
  secretHeaders,
  splitTarget,
  type Target,
  wantsWebsocket,
} from './well-formed.ts';

const ACME_PATH = '/.well-known/acme-challenge/';
/** A slot can be free at any moment, so a concurrency refusal names the shortest wait there is. */
const CONCURRENCY_RETRY_SECONDS = '1';

/**
 * What a gateway answers: the meaning of a spec, and the only place where it is written down.
 * Pure: the same gateway, request and world always give the same decision. The numbers are the steps of DECISION.md;
 * the first step that has an answer gives it.
 */
export function decide(gateway: Gateway, request: GatewayRequest, world: World): Decision {
  if (request.certificate.kind === 'rejected') return { kind: 'tls-refused' }; // 0
  const target = splitTarget(request.target);
  if (request.scheme === 'http') return overHttp(gateway, request, target); // 1

  let client: string | null = null;
  const refuse = (code: RefusalCode, reason: string = code, headers: readonly HeaderLine[] = []): Decision => ({
    kind: 'refused',
    status: REFUSALS[code].status,
    code,
    reason,
    client,
    headers: [...headers, ...corsHeaders(gateway, request)],
  });

  const defect = malformed(gateway, request, target); // 2
  if (defect || !target) return refuse(defect?.code ?? 'bad_request', defect?.reason);

  const atPath = gateway.routes.filter((route) => pathMatches(route.path, target.path));
  const preflight = preflightHeaders(gateway, request, atPath); // 3
  if (preflight) return { kind: 'preflight', status: 204, headers: preflight };

  if (atPath.length === 0) return refuse('not_found'); // 4
  const route = atPath.find((candidate) => candidate.method === request.method);
  if (!route) return refuse('method_not_allowed', 'method_not_allowed', [['Allow', allowedMethods(atPath)]]);

  const identity = identify(gateway, request, world); // 5
  if ('code' in identity) return refuse(identity.code, identity.reason, identity.headers);
  client = identity.client;

  const byItself = !identity.by.some((method) => method === 'apiKey' || method === 'jwt') || route.websocket; // 6
  if (byItself && isForeignOrigin(gateway, request, requestAuthority(request, target))) return refuse('origin_denied');

  const role = gateway.roles.find((candidate) => candidate.name === identity.role); // 7
  if (!role) return refuse('route_denied', 'unknown_role');
  if (!role.routes.includes(route.name)) return refuse('route_denied');
  if (route.websocket && !wantsWebsocket(request)) return refuse('upgrade_required');

  const limited = limits(gateway, request, world, identity.client, role, route); // 8
  if ('code' in limited) return refuse(limited.code, limited.reason, limited.headers);

  if (route.name === 'models' && looksAtModel(gateway)) {
    return {
      kind: 'answer',
      client: identity.client,
      role: role.name,
      models: visibleModels(gateway, role),
      headers: corsHeaders(gateway, request),
    };
  }
  return {
    kind: 'forward', // 9
    client: identity.client,
    role: role.name,
    route: route.name,
    upstream: limited.model.id,
    model: limited.named,
    upstreamHeaders: upstreamHeaders(gateway, request, limited.model, { name: identity.client, role: role.name }, route.websocket),
    upstreamKey: limited.model.keyRequired,
    headers: corsHeaders(gateway, request),
  };
}

/** Port 80: a redirect for what carries no secret, a refusal for what already did. */
function overHttp(gateway: Gateway, request: GatewayRequest, target: Target | null): Decision {
  if (target?.path.startsWith(ACME_PATH)) return { kind: 'acme' };
  const secrets = secretHeaders(gateway).some((name) => headerValues(request.headers, name).length > 0);
  const printable = !/[\x00-\x20\x7f]/.test(request.target);
  const safe =
    printable &&
    (request.method === 'GET' || request.method === 'HEAD') &&
    !secrets &&
    target !== null &&
    !hasForbiddenParameter(target.query);
  if (!safe)
    return {
      kind: 'refused',
      status: REFUSALS.https_required.status,
      code: 'https_required',
      reason: 'https_required',
      client: null,
      headers: [],
    };
  const host = listedHost(gateway, requestAuthority(request, target)) ?? gateway.hosts[0] ?? '';
  const port = gateway.listen.https === 443 ? '' : `:${gateway.listen.https}`;
  return {
    kind: 'redirect',
    status: 308,
    location: `https://${host}${port}${target.path}${target.query === null ? '' : `?${target.query}`}`,
  };
}

interface Limited {
  readonly model: Model;
  /** The name the caller wrote, where the gateway looked. */
  readonly named: string | null;
}

/** Step 8, in its order: encoding, known length, model, rate, the client's concurrency, the gateway's, unknown length. */
function limits(
  gateway: Gateway,
  request: GatewayRequest,
  world: World,
  clientName: string,
  role: Role,
  route: Route,
): Limited | { code: RefusalCode; reason: string; headers: readonly HeaderLine[] } {
  const no = (code: RefusalCode, reason: string = code, retry?: number | string) => ({
    code,
    reason,
    headers: retry === undefined ? [] : [['Retry-After', String(retry)] as const],
  });
  const encodings = headerValues(request.headers, 'content-encoding');
  if (encodings.some((value) => value.trim().toLowerCase() !== 'identity')) return no('unsupported_encoding');
  if (request.body.length !== null && request.body.length > gateway.limits.body) return no('body_too_large', 'known_length');
  const first = gateway.models[0];
  if (!first) throw new Error('a gateway has at least one model');
  let chosen: Limited = { model: first, named: null };
  if (route.model !== 'none' && looksAtModel(gateway)) {
    if (request.body.length === null && request.body.read > gateway.limits.body) return no('body_too_large', 'read_length');
    const found = chooseModel(gateway, request, role);
    if ('code' in found) return no(found.code);
    chosen = found;
  }
  const client = gateway.clients.find((candidate) => candidate.name === clientName) ?? {
    requests: role.requests,
    concurrent: role.concurrent,
  };
  const wait = client.requests ? world.rate(clientName) : null;
  if (wait !== null) return no('rate_limited', 'rate_limited', wait);
  if (client.concurrent !== null && world.concurrent(clientName) >= client.concurrent)
    return no('too_many_concurrent', 'too_many_concurrent', CONCURRENCY_RETRY_SECONDS);
  if (world.concurrentAll() >= gateway.limits.concurrent) return no('overloaded');
  if (!route.websocket && request.body.length === null && request.body.read > gateway.limits.body)
    return no('body_too_large', 'read_length');
  return chosen;
}

function chooseModel(gateway: Gateway, request: GatewayRequest, role: Role): Limited | { code: RefusalCode } {
  const only = gateway.models.length === 1 ? gateway.models[0] : undefined;
  if (request.model.kind === 'unreadable') return { code: 'bad_request' };
  if (request.model.kind === 'none' && !only) return { code: 'bad_request' };
  const wanted = request.model.kind === 'name' ? request.model.name : null;
  const model =
    wanted === null ? only : gateway.models.find((candidate) => candidate.name === wanted || candidate.aliases.includes(wanted));
  if (!model) return { code: 'model_not_found' };
  if (!roleHasModel(role, model)) return { code: 'model_denied' };
  return { model, named: wanted };
}

function roleHasModel(role: Role, model: Model): boolean {
  return role.models === 'all' || role.models.some((name) => name === model.name || model.aliases.includes(name));
}

function visibleModels(gateway: Gateway, role: Role): string[] {
  return gateway.models
    .filter((model) => roleHasModel(role, model))
    .flatMap((model) => [model.name, ...model.aliases].filter((name) => name !== null));
}
