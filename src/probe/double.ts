import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { echo } from './websocket.ts';
import { bareVllm } from './double-vllm.ts';

/** A request as the double saw it. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Names in lower case, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** When the request's connection went away before the answer was whole. */
  aborted: boolean;
  /** Chunks of a stream that were sent. */
  chunks: number;
}

export interface DoubleOptions {
  /** Answer like a vLLM with this `--api-key` (or none) instead of answering everything with 200. */
  readonly vllm?: { readonly key: string | null };
}

export interface Double {
  readonly port: number;
  /** Everything it was asked, in order. */
  readonly seen: Seen[];
  /** How a stream is paced. The first token waits, because some proxies lose streams that answer at once. */
  readonly pace: { firstMs: number; chunkMs: number; chunks: number };
  stop(): Promise<void>;
}

const FIRST_TOKEN_MS = 5;

/**
 * A stand-in for vLLM that records what reaches it. Whatever it does not know it answers with 200, so that a request
 * which should never have come this far cannot look like a refusal.
 */
export async function startDouble(options: DoubleOptions = {}): Promise<Double> {
  const seen: Seen[] = [];
  const pace = { firstMs: FIRST_TOKEN_MS, chunkMs: 1, chunks: 5 };
  const server = createServer({ requireHostHeader: false, insecureHTTPParser: true }, (request, response) => {
    void record(request, seen).then((one) => {
      response.on('close', () => {
        one.aborted = !response.writableFinished;
      });
      const refused = options.vllm ? bareVllm(options.vllm.key, one) : null;
      if (refused) return send(response, refused.status, refused.body);
      return reply(one, response, pace);
    });
  });
  // An upgraded connection is no longer the server's own, nor is one that has said nothing yet, and would keep it from closing.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const headers = headersOf(request);
    seen.push({ method: request.method ?? '', target: request.url ?? '', headers, body: '', aborted: false, chunks: 0 });
    if (request.url?.split('?')[0] === '/v1/realtime' && request.headers.upgrade?.toLowerCase() === 'websocket')
      return echo(socket, request.headers['sec-websocket-key'] ?? '');
    return socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the double has no port');
  return {
    port: address.port,
    seen,
    pace,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function headersOf(request: IncomingMessage): (readonly [string, string])[] {
  return request.rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), request.rawHeaders[i + 1] ?? ''] as const] : []));
}

async function record(request: IncomingMessage, seen: Seen[]): Promise<Seen> {
  const headers = headersOf(request);
  const chunks: Buffer[] = [];
  const one = { method: request.method ?? '', target: request.url ?? '', headers, body: '', aborted: false, chunks: 0 };
  // Recorded at once: a request that never ends was seen all the same.
  seen.push(one);
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    one.aborted = true;
  }
  one.body = Buffer.concat(chunks).toString('utf8');
  return one;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    'access-control-allow-origin': '*',
    'x-request-id': 'from-the-upstream',
  });
  response.end(text);
}

async function reply(one: Seen, response: ServerResponse, pace: Double['pace']): Promise<void> {
  const path = one.target.split('?')[0];
  const asked = jsonObject(one.body);
  const model = typeof asked.model === 'string' ? asked.model : 'double';
  if (path === '/v1/chat/completions' || path === '/invocations') return chat(one, asked, model, response, pace);
  if (path === '/v1/embeddings')
    return send(response, 200, {
      object: 'list',
      model,
      data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2, 0.3] }],
      usage: { prompt_tokens: 1, total_tokens: 1 },
    });
  if (path === '/v1/models')
    return send(response, 200, { object: 'list', data: [{ id: model, object: 'model', created: 1, owned_by: 'vllm' }] });
  if (path === '/health') return send(response, 200, '');
  if (path === '/metrics') return send(response, 200, 'vllm:num_requests_running{model_name="double"} 0.0\n');
  if (path === '/tokenize') return send(response, 200, { count: 1, max_model_len: 16384, tokens: [1] });
  return send(response, 200, { double: true, method: one.method, target: one.target, bytes: one.body.length });
}

async function chat(
  one: Seen,
  asked: Record<string, unknown>,
  model: string,
  response: ServerResponse,
  pace: Double['pace'],
): Promise<void> {
  const base = { id: 'chatcmpl-double', created: 1, model };
  const usage = { prompt_tokens: 3, completion_tokens: pace.chunks, total_tokens: 3 + pace.chunks };
  await sleep(pace.firstMs);
  if (asked.stream !== true) {
    return send(response, 200, {
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello from the double.' }, finish_reason: 'stop' }],
      usage,
    });
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const event = (data: unknown): boolean =>
    response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...(data as object) })}\n\n`);
  for (let i = 0; i < pace.chunks && !response.destroyed; i++) {
    if (i > 0) await sleep(pace.chunkMs);
    event({ choices: [{ index: 0, delta: { content: `token${i} ` }, finish_reason: null }] });
    one.chunks = i + 1;
  }
  if (response.destroyed) return;
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  if ((asked.stream_options as { include_usage?: boolean } | undefined)?.include_usage) event({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
