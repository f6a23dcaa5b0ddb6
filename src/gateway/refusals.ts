/** Every refusal of DECISION section 6: its status, OpenAI error type and the message a caller reads. */
export const REFUSALS = {
  bad_request: { status: 400, type: 'invalid_request_error', message: 'The request is not well formed.' },
  ambiguous_credentials: { status: 400, type: 'invalid_request_error', message: 'The request carries two different API keys.' },
  unknown_host: { status: 400, type: 'invalid_request_error', message: 'This host is not served here.' },
  invalid_credentials: { status: 401, type: 'authentication_error', message: 'A valid credential is required.' },
  address_denied: { status: 403, type: 'permission_error', message: 'Your address is not allowed.' },
  certificate_required: { status: 403, type: 'permission_error', message: 'A client certificate is required.' },
  identity_mismatch: { status: 403, type: 'permission_error', message: 'The credentials belong to different clients.' },
  origin_denied: { status: 403, type: 'permission_error', message: 'This origin is not allowed.' },
  route_denied: { status: 403, type: 'permission_error', message: 'Your role does not include this route.' },
  model_denied: { status: 403, type: 'permission_error', message: 'Your role does not include this model.' },
  https_required: { status: 403, type: 'permission_error', message: 'Use https.' },
  not_found: { status: 404, type: 'invalid_request_error', message: 'There is no such route.' },
  model_not_found: { status: 404, type: 'invalid_request_error', message: 'There is no such model.' },
  method_not_allowed: { status: 405, type: 'invalid_request_error', message: 'The route does not have this method.' },
  length_required: { status: 411, type: 'invalid_request_error', message: 'A Content-Length is required.' },
  body_too_large: { status: 413, type: 'invalid_request_error', message: 'The request body is too large.' },
  uri_too_long: { status: 414, type: 'invalid_request_error', message: 'The request target is too long.' },
  unsupported_encoding: { status: 415, type: 'invalid_request_error', message: 'The request body must not be encoded.' },
  upgrade_required: { status: 426, type: 'invalid_request_error', message: 'This route is a WebSocket.' },
  headers_too_large: { status: 431, type: 'invalid_request_error', message: 'The request headers are too large.' },
  rate_limited: { status: 429, type: 'rate_limit_error', message: 'Too many requests.' },
  too_many_concurrent: { status: 429, type: 'rate_limit_error', message: 'Too many requests at the same time.' },
  too_many_failures: { status: 429, type: 'rate_limit_error', message: 'Too many failed attempts.' },
  upstream_unreachable: { status: 502, type: 'api_error', message: 'The model server cannot be reached.' },
  overloaded: { status: 503, type: 'api_error', message: 'The gateway is at its limit of concurrent requests.' },
  policy_unavailable: { status: 503, type: 'api_error', message: 'The gateway cannot decide at the moment.' },
  upstream_timeout: { status: 504, type: 'api_error', message: 'The model server did not answer in time.' },
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** The JSON body of a refusal, in the shape that OpenAI SDKs read. */
export function refusalBody(code: RefusalCode): string {
  const { type, message } = REFUSALS[code];
  return JSON.stringify({ error: { message, type, param: null, code } });
}
