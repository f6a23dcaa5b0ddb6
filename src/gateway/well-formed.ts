import { type GatewayRequest, headerValue, headerValues } from './request.ts';
import type { RefusalCode } from './refusals.ts';
import { pathMatches } from './routes/index.ts';
import type { Gateway } from './types.ts';

/** DECISION section 2. Bytes of the target; bytes and lines of the headers (a line counts its name, its value and four more). */
/** Bytes of a body where the spec says nothing: some pictures, or a long document. */
export const DEFAULT_BODY = 20_000_000;

export const LIMITS = { target: 8192, headerBytes: 32_768, headerLines: 100 } as const;

/** Headers that a request may carry once; a configured API-key header is one more. */
export const SINGLE_HEADERS = ['authorization', 'origin', 'content-type', 'host'] as const;

/** Query parameters that people use for secrets: a query is logged along the way. */
export const FORBIDDEN_PARAMETERS = ['api_key', 'apikey', 'key', 'token', 'access_token'] as const;

const CONNECTION_OPTIONS = ['close', 'keep-alive', 'te'];

export interface Target {
  readonly path: string;
  readonly query: string | null;
  /** Of an absolute-form target. */
  readonly authority: string | null;
}

/** Splits a raw target; null when it is neither origin-form nor absolute-form. */
export function splitTarget(raw: string): Target | null {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(raw);
  const rest = absolute ? (absolute[2] ?? '') : raw;
  const full = absolute && !rest.startsWith('/') ? `/${rest}` : rest;
  if (!full.startsWith('/')) return null;
  const at = full.indexOf('?');
  return { path: at < 0 ? full : full.slice(0, at), query: at < 0 ? null : full.slice(at + 1), authority: absolute?.[1] ?? null };
}

/** What the request says it wants to talk to: absolute-form wins, then `:authority`, then Host. */
export function requestAuthority(request: GatewayRequest, target: Target | null): string {
  return target?.authority ?? request.authority ?? headerValue(request.headers, 'host') ?? '';
}

/** The listed host behind an authority, or null: lower-cased, port ignored, no userinfo, no trailing dot. */
export function listedHost(gateway: Gateway, authority: string): string | null {
  const host = /^(\[[0-9A-Fa-f:.]+\]|[^:@[\]]*)(?::\d*)?$/.exec(authority)?.[1]?.toLowerCase();
  return host !== undefined && gateway.hosts.includes(host) ? host : null;
}

/** The first thing that is not well formed, as code and reason; null when all is well. */
export function malformed(gateway: Gateway, request: GatewayRequest, target: Target | null): { code: RefusalCode; reason: string } | null {
  const { headers } = request;
  const bad = (reason: string, code: RefusalCode = 'bad_request') => ({ code, reason });
  if (!/^[A-Z_-]+$/.test(request.method)) return bad('method_form');
  const keyHeaders = gateway.access.methods.includes('apiKey') ? gateway.access.apiKeyHeaders : [];
  for (const name of new Set([...SINGLE_HEADERS, ...keyHeaders])) if (headerValues(headers, name).length > 1) return bad('repeated_header');
  if (request.target.length > LIMITS.target) return bad('target_length', 'uri_too_long');
  if (headers.length > LIMITS.headerLines) return bad('header_lines', 'headers_too_large');
  if (headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0) > LIMITS.headerBytes)
    return bad('header_bytes', 'headers_too_large');
  if (!target || !isNormal(target)) return bad('path_form');
  if (request.authority !== undefined && headerValues(headers, 'host').some((host) => host !== request.authority))
    return bad('host_mismatch');
  if (listedHost(gateway, requestAuthority(request, target)) === null) return bad('host', 'unknown_host');
  if (ambiguousKeys(gateway, request)) return bad('two_keys', 'ambiguous_credentials');
  if (!connectionIsPlain(gateway, request, target.path)) return bad('connection');
  if (hasForbiddenParameter(target.query)) return bad('secret_in_query');
  return null;
}

/** Whether the path is its own normal form, so that no two engines can read it differently. */
function isNormal({ path, query }: Target): boolean {
  if (/[\x00-\x20\x7f\\#]/.test(path) || (query !== null && /[\x00-\x20\x7f#]/.test(query))) return false;
  if (path.includes('//') || /\/\.{1,2}(?:\/|$)/.test(path)) return false;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return false;
  return !(path.match(/%../g) ?? []).some((code) => /[A-Za-z0-9._~/\\\0-]/.test(String.fromCharCode(Number.parseInt(code.slice(1), 16))));
}

/** Every API key of the request, by the headers that may carry one. */
export function presentedKeys(gateway: Gateway, request: GatewayRequest): string[] {
  if (!gateway.access.methods.includes('apiKey')) return [];
  return gateway.access.apiKeyHeaders.flatMap((name) => {
    if (name !== 'authorization') return headerValues(request.headers, name);
    const token = parseAuthorization(headerValue(request.headers, name));
    return token?.scheme === 'bearer' && !isJwtShaped(gateway, token.token) ? [token.token] : [];
  });
}

function ambiguousKeys(gateway: Gateway, request: GatewayRequest): boolean {
  return new Set(presentedKeys(gateway, request)).size > 1;
}

/** DECISION section 3: where the spec uses jwt, three non-empty base64url parts are a JWT and only that. */
export function isJwtShaped(gateway: Gateway, token: string): boolean {
  return gateway.access.methods.includes('jwt') && /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token);
}

/** `<scheme> <token>` with one space; null for anything else, which makes its leaves false and is no 400. */
export function parseAuthorization(value: string | undefined): { scheme: string; token: string } | null {
  const match = /^([A-Za-z]+) ([A-Za-z0-9._~+/=-]{1,8192})$/.exec(value ?? '');
  return match ? { scheme: (match[1] ?? '').toLowerCase(), token: match[2] ?? '' } : null;
}

/** Whether the request asks to become a WebSocket (RFC 6455 section 4.1). */
export function wantsWebsocket(request: GatewayRequest): boolean {
  const options = headerValues(request.headers, 'connection').flatMap((line) =>
    line.split(',').map((option) => option.trim().toLowerCase()),
  );
  return headerValue(request.headers, 'upgrade')?.toLowerCase() === 'websocket' && options.includes('upgrade');
}

function connectionIsPlain(gateway: Gateway, request: GatewayRequest, path: string): boolean {
  const websocket =
    headerValue(request.headers, 'upgrade')?.toLowerCase() === 'websocket' &&
    gateway.routes.some((route) => route.websocket && pathMatches(route.path, path));
  return headerValues(request.headers, 'connection').every((line) =>
    line
      .split(',')
      .every(
        (option) => CONNECTION_OPTIONS.includes(option.trim().toLowerCase()) || (websocket && option.trim().toLowerCase() === 'upgrade'),
      ),
  );
}

/** Whether the query has a parameter that people use for secrets. */
export function hasForbiddenParameter(query: string | null): boolean {
  return (query ?? '').split('&').some((pair) => {
    const name = pair.split('=')[0] ?? '';
    let decoded = name;
    try {
      decoded = decodeURIComponent(name);
    } catch {
      // Not UTF-8: compared as it came.
    }
    return (FORBIDDEN_PARAMETERS as readonly string[]).includes(decoded.toLowerCase());
  });
}

/** Headers that must not have come over http: whoever sent one has already shown it to the wire. */
export function secretHeaders(gateway: Gateway): string[] {
  return [...new Set(['authorization', 'cookie', ...gateway.access.apiKeyHeaders])];
}
