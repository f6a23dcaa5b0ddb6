import type { Route, RouteClass, RouteTable } from './route.ts';

/*
 * Every HTTP route of vLLM 0.33, read from its router registration (entrypoints/launchers/api_server/routers.py and the
 * modules it mounts) and compared with the log of a real server. `--api-key` guards exactly the paths that start with
 * /v1, /v2, /inference or /cohere (entrypoints/serve/middleware/authenticate.py).
 */
const GUARDED_PREFIXES = ['/v1', '/v2', '/inference', '/cohere'];

type Registered = Route['registered'];

function route(
  name: string,
  method: Route['method'],
  path: string,
  cls: RouteClass,
  registered: Registered,
  grantable: boolean,
  model: Route['model'] = 'none',
  websocket = false,
): Route {
  return {
    name,
    method,
    path,
    class: cls,
    guarded: GUARDED_PREFIXES.some((p) => path.startsWith(p)),
    grantable,
    registered,
    model,
    websocket,
  };
}
const grantable = (
  name: string,
  method: Route['method'],
  path: string,
  cls: RouteClass,
  registered: Registered,
  model: Route['model'] = 'none',
  websocket = false,
): Route => route(name, method, path, cls, registered, true, model, websocket);
const never = (method: Route['method'], path: string, cls: RouteClass, registered: Registered): Route =>
  route(`${method} ${path}`, method, path, cls, registered, false);

const inference: Route[] = [
  grantable('chat', 'POST', '/v1/chat/completions', 'inference', 'generate', 'json'),
  grantable('chat.batch', 'POST', '/v1/chat/completions/batch', 'inference', 'generate', 'json'),
  grantable('completions', 'POST', '/v1/completions', 'inference', 'generate', 'json'),
  grantable('responses', 'POST', '/v1/responses', 'inference', 'generate', 'json'),
  grantable('responses.get', 'GET', '/v1/responses/{id}', 'inference', 'generate'),
  grantable('responses.cancel', 'POST', '/v1/responses/{id}/cancel', 'inference', 'generate'),
  grantable('messages', 'POST', '/v1/messages', 'inference', 'generate', 'json'),
  grantable('count_tokens', 'POST', '/v1/messages/count_tokens', 'inference', 'generate', 'json'),
  grantable('embeddings', 'POST', '/v1/embeddings', 'inference', 'task', 'json'),
  grantable('embed', 'POST', '/v2/embed', 'inference', 'task', 'json'),
  grantable('score', 'POST', '/v1/score', 'inference', 'task', 'json'),
  grantable('rerank', 'POST', '/v1/rerank', 'inference', 'task', 'json'),
  grantable('rerank.v2', 'POST', '/v2/rerank', 'inference', 'task', 'json'),
  grantable('transcriptions', 'POST', '/v1/audio/transcriptions', 'inference', 'task', 'form'),
  grantable('translations', 'POST', '/v1/audio/translations', 'inference', 'task', 'form'),
  grantable('realtime', 'GET', '/v1/realtime', 'inference', 'task', 'none', true),
  never('POST', '/v1/systemone', 'inference', 'always'),
  never('POST', '/v1/decisions', 'inference', 'always'),
  grantable('cohere', 'POST', '/cohere/v2/chat', 'inference', 'switch', 'json'),
  never('POST', '/cohere/v2/chat/render', 'internal', 'switch'),
  never('POST', '/score', 'inference', 'task'),
  never('POST', '/rerank', 'inference', 'task'),
  grantable('classify', 'POST', '/classify', 'inference', 'task', 'json'),
  grantable('pooling', 'POST', '/pooling', 'inference', 'task', 'json'),
  never('POST', '/generative_scoring', 'inference', 'generate'),
  // Dispatches its body to chat, completions or embeddings: with a key set it still answers everybody.
  never('POST', '/invocations', 'inference', 'always'),
];

const utility: Route[] = [
  grantable('models', 'GET', '/v1/models', 'discovery', 'always'),
  grantable('health', 'GET', '/health', 'health', 'always'),
  never('GET', '/ping', 'health', 'always'),
  never('POST', '/ping', 'health', 'always'),
  grantable('metrics', 'GET', '/metrics', 'metrics', 'always'),
  never('GET', '/metrics*', 'metrics', 'always'),
  grantable('load', 'GET', '/load', 'utility', 'always'),
  grantable('version', 'GET', '/version', 'utility', 'always'),
  never('GET', '/kv_event_sources', 'internal', 'always'),
  grantable('tokenize', 'POST', '/tokenize', 'inference', 'always', 'json'),
  grantable('detokenize', 'POST', '/detokenize', 'inference', 'always', 'json'),
  never('GET', '/tokenizer_info', 'utility', 'switch'),
  never('GET', '/docs', 'docs', 'always'),
  never('GET', '/redoc', 'docs', 'always'),
  never('GET', '/openapi.json', 'docs', 'always'),
  never('GET', '/docs/oauth2-redirect', 'docs', 'always'),
  never('GET', '/static/*', 'docs', 'switch'),
];

/** Disaggregation: registered as 403 stubs unless scale-out is on, so a default server has the paths. */
const scaleOut: Route[] = [
  '/inference/v1/generate',
  '/inference/v1/abort_requests',
  '/v1/chat/completions/render',
  '/v1/completions/render',
  '/v1/messages/render',
  '/v1/responses/render',
  '/v1/chat/completions/derender',
  '/v1/completions/derender',
].map((path) => never('POST', path, 'internal', 'generate'));

const admin: Route[] = [
  never('POST', '/scale_elastic_ep', 'admin', 'generate'),
  never('POST', '/is_scaling_elastic_ep', 'admin', 'generate'),
  ...['/start_profile', '/stop_profile', '/v1/load_lora_adapter', '/v1/unload_lora_adapter', '/adapters'].map((path) =>
    never('POST', path, 'admin', 'switch'),
  ),
  never('DELETE', '/adapters/{id}', 'admin', 'switch'),
  never('POST', '/fault_tolerance/apply', 'admin', 'switch'),
  never('GET', '/fault_tolerance/status', 'admin', 'switch'),
  ...[
    '/abort_requests',
    '/sleep',
    '/wake_up',
    '/release_kv_cache_memory',
    '/reset_prefix_cache',
    '/reset_mm_cache',
    '/reset_encoder_cache',
    '/collective_rpc',
    '/pause',
    '/resume',
    '/init_weight_transfer_engine',
    '/shutdown_weight_transfer_engine',
    '/start_weight_update',
    '/start_draft_weight_update',
    '/update_weights',
    '/finish_weight_update',
    '/update_weight_version',
    '/weight_checker',
  ].map((path) => never('POST', path, 'admin', 'switch')),
  ...['/is_sleeping', '/server_info', '/is_paused', '/weight_info', '/get_world_size'].map((path) => never('GET', path, 'admin', 'switch')),
];

export const vllm033: RouteTable = {
  server: 'vllm',
  version: '0.33',
  routes: [...inference, ...utility, ...scaleOut, ...admin],
  groups: {
    openai: ['chat', 'completions', 'responses', 'embeddings', 'models', 'transcriptions', 'translations'],
    anthropic: ['messages', 'count_tokens'],
    rank: ['score', 'rerank', 'rerank.v2'],
    pool: ['pooling', 'classify'],
    tokens: ['tokenize', 'detokenize'],
  },
};
