import { addressHex, addressText, cidrContains } from './address.ts';
import { callerOf } from './identity.ts';
import { type GatewayRequest, type HeaderLine, headerValue, headerValues } from './request.ts';
import type { Gateway, Model } from './types.ts';

/** Request headers that pass; everything else is dropped (DECISION section 5). */
export const PASSED_HEADERS = [
  'accept',
  'accept-language',
  'content-type',
  'content-length',
  'user-agent',
  'openai-beta',
  'anthropic-version',
  'anthropic-beta',
] as const;

/** Headers of a WebSocket's handshake (RFC 6455 section 4.1), which pass on a WebSocket route alone. */
export const WEBSOCKET_HEADERS = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
] as const;

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** What goes upstream, without the upstream's key and without an X-Request-Id that the gateway makes itself. */
export function upstreamHeaders(
  gateway: Gateway,
  request: GatewayRequest,
  model: Model,
  client: { readonly name: string; readonly role: string },
  websocket: boolean,
): HeaderLine[] {
  const passed = [...PASSED_HEADERS, ...gateway.forwardHeaders, ...(websocket ? WEBSOCKET_HEADERS : [])].flatMap((name): HeaderLine[] => {
    const values = headerValues(request.headers, name);
    return values.length > 0 && values.some((value) => value !== '') ? [[name, values.join(', ')]] : [];
  });
  const caller = callerOf(gateway, request);
  const id = keptRequestId(gateway, request);
  return [
    ...passed,
    ['host', upstreamAuthority(model)],
    ...(websocket
      ? ([
          ['upgrade', 'websocket'],
          ['connection', 'upgrade'],
        ] as const)
      : []),
    ['x-gatewright-client', client.name],
    ['x-gatewright-role', client.role],
    ...(caller === null ? [] : [['x-forwarded-for', addressText(caller)] as const]),
    ['x-forwarded-proto', 'https'],
    ...(id === null ? [] : [['x-request-id', id] as const]),
  ];
}

/** The authority of a model's server, as it stands in Host. */
export function upstreamAuthority(model: Model): string {
  const { scheme, host, port } = model.upstream;
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
}

/** A trusted proxy's request id; null when the gateway makes a new one. */
function keptRequestId(gateway: Gateway, request: GatewayRequest): string | null {
  const peer = addressHex(request.peer);
  const trusted = peer !== null && gateway.listen.trustedProxies.some((range) => cidrContains(range, peer));
  const id = headerValue(request.headers, 'x-request-id');
  return trusted && id !== undefined && headerValues(request.headers, 'x-request-id').length === 1 && REQUEST_ID.test(id) ? id : null;
}
