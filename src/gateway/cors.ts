import { type GatewayRequest, type HeaderLine, headerValue, headerValues } from './request.ts';
import type { Route } from './routes/route.ts';
import type { Gateway } from './types.ts';

const MAX_PREFLIGHT_SECONDS = 600;
const MAX_REQUESTED_HEADERS = 64;

/** CORS headers of any answer, refusals included, so that a page can read why it was refused. Never Allow-Credentials. */
export function corsHeaders(gateway: Gateway, request: GatewayRequest): HeaderLine[] {
  if (gateway.cors.length === 0) return [];
  const origins = headerValues(request.headers, 'origin');
  const origin = origins.length === 1 ? origins[0] : undefined;
  const vary: HeaderLine = ['Vary', 'Origin'];
  if (origin === undefined || !gateway.cors.includes(origin)) return [vary];
  return [vary, ['Access-Control-Allow-Origin', origin], ['Access-Control-Expose-Headers', 'X-Request-Id, Retry-After']];
}

/** The answer to a preflight for routes of a path that this gateway grants, or null when the request is none. */
export function preflightHeaders(gateway: Gateway, request: GatewayRequest, routes: readonly Route[]): HeaderLine[] | null {
  const origin = headerValue(request.headers, 'origin');
  const method = headerValue(request.headers, 'access-control-request-method');
  if (request.method !== 'OPTIONS' || origin === undefined || method === undefined) return null;
  if (!gateway.cors.includes(origin) || !routes.some((route) => route.method === method)) return null;
  const wanted = headerValue(request.headers, 'access-control-request-headers');
  const names = wanted?.split(',').map((name) => name.trim()) ?? [];
  const echoed = names.length > 0 && names.length <= MAX_REQUESTED_HEADERS && names.every((name) => /^[A-Za-z0-9-]{1,64}$/.test(name));
  return [
    ...corsHeaders(gateway, request),
    ['Access-Control-Allow-Methods', allowedMethods(routes)],
    ...(echoed ? [['Access-Control-Allow-Headers', names.join(', ')] as const] : []),
    ['Access-Control-Max-Age', String(MAX_PREFLIGHT_SECONDS)],
  ];
}

/** The granted methods of a path, sorted, as `Allow` lists them. */
export function allowedMethods(routes: readonly Route[]): string {
  return [...new Set(routes.map((route) => route.method))].sort().join(', ');
}

/** Step 6: a page of another origin may only come with a credential that a browser does not attach by itself. */
export function isForeignOrigin(gateway: Gateway, request: GatewayRequest, authority: string): boolean {
  const origin = headerValue(request.headers, 'origin');
  if (origin === undefined || gateway.cors.includes(origin)) return false;
  return origin.toLowerCase() !== `https://${authority.toLowerCase().replace(/:443$/, '')}`;
}
