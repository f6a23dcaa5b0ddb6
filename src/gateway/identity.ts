import { createHash } from 'node:crypto';
import { addressHex, callerAddress, cidrContains, failureAddress } from './address.ts';
import type { Expression, Method } from './expression.ts';
import { CLIENT_NAME, HEADER_VALUE } from './names.ts';
import type { RefusalCode } from './refusals.ts';
import { type GatewayRequest, type HeaderLine, headerValue, headerValues, type World } from './request.ts';
import type { Client, Gateway } from './types.ts';
import { isJwtShaped, parseAuthorization, presentedKeys } from './well-formed.ts';

/** Who is calling, and by which branch of the expression. */
export interface Identity {
  readonly client: string;
  /** The role's name; null when a token names a role that the spec does not have. */
  readonly role: string | null;
  readonly by: readonly Method[];
}

export interface NotIdentified {
  readonly code: RefusalCode;
  readonly reason: string;
  readonly headers: readonly HeaderLine[];
}

type Leaf =
  | { readonly holds: false; readonly reason: string }
  | { readonly holds: true; readonly client: string | null; readonly role?: string | null };

export const KEY_LENGTH = { min: 16, max: 512 };
/** bcrypt reads 72 bytes; a longer password would be cut silently. */
export const MAX_PASSWORD_BYTES = 72;

/** The cost of asking decides the order inside a branch: a password is only looked at when all else holds. */
const ASKING_ORDER: readonly Method[] = ['ip', 'mtls', 'apiKey', 'jwt', 'basic'];

/** DECISION step 5: the first satisfied branch in spec order, or why there is none. */
export function identify(gateway: Gateway, request: GatewayRequest, world: World): Identity | NotIdentified {
  const leaves = new Map<Method, Leaf>();
  let throttled: number | null = null;
  const leaf = (method: Method): Leaf => {
    const known = leaves.get(method);
    if (known) return known;
    const asked = ask(gateway, request, world, method);
    if (typeof asked === 'number') throttled = asked;
    const result: Leaf = typeof asked === 'number' ? { holds: false, reason: 'too_many_failures' } : asked;
    leaves.set(method, result);
    return result;
  };
  let mismatch = false;
  for (const branch of gateway.access.branches) {
    const ordered = ASKING_ORDER.filter((method) => branch.includes(method));
    const named: { client: string; role?: string | null }[] = [];
    const holds = ordered.every((method) => {
      const result = leaf(method);
      if (result.holds && result.client !== null)
        named.push({ client: result.client, ...(result.role === undefined ? {} : { role: result.role }) });
      return result.holds;
    });
    if (!holds) continue;
    const client = named[0]?.client ?? gateway.access.addressClient;
    if (client === null || named.some((other) => other.client !== client)) {
      mismatch = true;
      continue;
    }
    const role = named.find((one) => one.role !== undefined)?.role;
    return { client, role: role === undefined ? roleOf(gateway, client) : role, by: branch };
  }
  if (mismatch) return { code: 'identity_mismatch', reason: 'identity_mismatch', headers: [] };
  if (throttled !== null) return { code: 'too_many_failures', reason: 'too_many_failures', headers: [['Retry-After', String(throttled)]] };
  const reason =
    ASKING_ORDER.map((method) => leaves.get(method)).flatMap((l) => (l && !l.holds && l.reason !== 'absent' ? [l.reason] : []))[0] ??
    'no_credential';
  return missing(gateway, request, (method) => leaf(method).holds, reason);
}

function roleOf(gateway: Gateway, name: string): string | null {
  return gateway.clients.find((client) => client.name === name)?.role ?? null;
}

/** Which answer says what is missing. It does not depend on whether a presented credential was right. */
function missing(gateway: Gateway, request: GatewayRequest, holds: (method: Method) => boolean, reason: string): NotIdentified {
  const free = holdsIf(gateway.access.expression, (method) => (method === 'ip' || method === 'mtls' ? holds(method) : true));
  if (free) return { code: 'invalid_credentials', reason, headers: challenges(gateway, request) };
  const anywhere = holdsIf(gateway.access.expression, (method) => (method === 'mtls' ? holds(method) : true));
  return { code: anywhere ? 'address_denied' : 'certificate_required', reason, headers: [] };
}

function holdsIf(expression: Expression, holds: (method: Method) => boolean): boolean {
  if (expression.kind === 'leaf') return holds(expression.method);
  const [left, right] = [expression.left, expression.right];
  return expression.kind === 'and' ? holdsIf(left, holds) && holdsIf(right, holds) : holdsIf(left, holds) || holdsIf(right, holds);
}

/** One WWW-Authenticate line a header method (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 7617 section 2.1). */
function challenges(gateway: Gateway, request: GatewayRequest): HeaderLine[] {
  const { methods } = gateway.access;
  const lines: HeaderLine[] = [];
  if (methods.includes('apiKey') || methods.includes('jwt')) {
    const bearer = parseAuthorization(headerValue(request.headers, 'authorization'))?.scheme === 'bearer';
    const came = bearer || presentedKeys(gateway, request).length > 0;
    lines.push(['WWW-Authenticate', `Bearer realm="gatewright"${came ? ', error="invalid_token"' : ''}`]);
  }
  if (methods.includes('basic')) lines.push(['WWW-Authenticate', 'Basic realm="gatewright", charset="UTF-8"']);
  return lines;
}

/** Whether a leaf holds and whom it names; a number is the wait of a throttled password. */
function ask(gateway: Gateway, request: GatewayRequest, world: World, method: Method): Leaf | number {
  switch (method) {
    case 'ip':
      return askAddress(gateway, request);
    case 'mtls':
      return askCertificate(request, world);
    case 'apiKey':
      return askKey(gateway, request, world);
    case 'jwt':
      return askToken(gateway, request, world);
    case 'basic':
      return askPassword(gateway, request, world);
  }
}

const no = (reason: string): Leaf => ({ holds: false, reason });

function askAddress(gateway: Gateway, request: GatewayRequest): Leaf {
  const caller = callerOf(gateway, request);
  const hex = caller === null ? null : addressHex(caller);
  if (hex === null) return no('unknown_address');
  return gateway.access.allow.some((range) => cidrContains(range, hex)) ? { holds: true, client: null } : no('address');
}

function askCertificate(request: GatewayRequest, world: World): Leaf {
  if (request.certificate.kind !== 'verified') return no('absent');
  const client = world.certificate(request.certificate.fingerprint);
  return client === null ? no('unknown_certificate') : { holds: true, client };
}

function askKey(gateway: Gateway, request: GatewayRequest, world: World): Leaf {
  const key = presentedKeys(gateway, request)[0];
  if (key === undefined) return no('absent');
  if (key.length < KEY_LENGTH.min || key.length > KEY_LENGTH.max) return no('key_length');
  const record = world.key(createHash('sha256').update(key, 'latin1').digest('hex'));
  if (!record) return no('unknown_key');
  if (record.expires !== null && record.expires <= world.now) return no('expired_key');
  return { holds: true, client: record.client };
}

function askToken(gateway: Gateway, request: GatewayRequest, world: World): Leaf {
  const token = parseAuthorization(headerValue(request.headers, 'authorization'));
  if (token?.scheme !== 'bearer' || !isJwtShaped(gateway, token.token)) return no('absent');
  const result = world.jwt(token.token);
  if (!result.valid) return no(result.reason);
  const mapped = gateway.clients.find((client) => client.subject === result.subject);
  if (mapped) return { holds: true, client: mapped.name };
  if (!HEADER_VALUE.test(`jwt:${result.subject}`)) return no('subject_form');
  const wanted = result.roles === null ? [] : typeof result.roles === 'string' ? [result.roles] : result.roles;
  const named = wanted.find((role) => gateway.roles.some((known) => known.name === role)) ?? null;
  return { holds: true, client: `jwt:${result.subject}`, role: result.roles === null ? (gateway.access.jwt?.role ?? null) : named };
}

function askPassword(gateway: Gateway, request: GatewayRequest, world: World): Leaf | number {
  const token = parseAuthorization(headerValue(request.headers, 'authorization'));
  if (token?.scheme !== 'basic') return no('absent');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(token.token)) return no('basic_form');
  const pair = Buffer.from(token.token, 'base64').toString('latin1');
  const colon = pair.indexOf(':');
  if (colon < 0) return no('basic_form');
  const [name, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  if (password.length > MAX_PASSWORD_BYTES || password === '') return no('password_length');
  const caller = callerOf(gateway, request);
  const hex = addressHex(caller ?? request.peer);
  const known = CLIENT_NAME.test(name) && gateway.clients.some((client: Client) => client.name === name);
  const result = world.password({
    name: known ? name : '*',
    password: Buffer.from(password, 'latin1').toString('utf8'),
    address: failureAddress(hex ?? ''),
  });
  if (typeof result === 'object') return result.throttled;
  if (!known) return no('unknown_user');
  return result === 'right' ? { holds: true, client: name } : no('wrong_password');
}

/** The caller's address after trusted proxies; null when it cannot be known. */
export function callerOf(gateway: Gateway, request: GatewayRequest): string | null {
  return callerAddress(request.peer, headerValues(request.headers, 'x-forwarded-for'), gateway.listen.trustedProxies);
}
