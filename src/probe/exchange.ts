import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Where bytes go, and as whom. */
export interface Peer {
  readonly port: number;
  /** TLS with this CA; plain TCP without. */
  readonly tls?: { readonly ca: string; readonly servername: string; readonly cert?: string; readonly key?: string };
  /** The source address on loopback. */
  readonly localAddress?: string;
}

interface Read {
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  readonly bytes: Buffer;
}

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Body bytes as they arrived, framing included. */
  readonly reads: readonly Read[];
  /** Whether the body ended as its framing says it should. */
  readonly complete: boolean;
}

export type Outcome = Answer | { readonly kind: 'no-answer'; readonly error: string };

const TIMEOUT_MS = 15_000;

/**
 * Sends exactly these bytes over HTTP/1.1 and reads one answer. A client library would tidy the request;
 * here nothing is changed on the way.
 */
export function exchange(
  peer: Peer,
  bytes: Uint8Array | readonly Uint8Array[],
  options: { readonly head?: boolean; readonly onRead?: (text: string, socket: Socket) => void } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = open(peer);
    const reads: Read[] = [];
    let settled = false;
    const finish = (outcome: Outcome): void => {
      if (settled) return;
      settled = true;
      socket.destroy();
      resolve(outcome);
    };
    const current = (): Outcome => parse(reads, options.head === true);
    socket.setTimeout(TIMEOUT_MS, () => finish({ kind: 'no-answer', error: 'no answer in time' }));
    socket.on('error', (error) =>
      finish(reads.length > 0 ? current() : { kind: 'no-answer', error: (error as NodeJS.ErrnoException).code ?? error.message }),
    );
    socket.on('close', () => finish(reads.length > 0 ? current() : { kind: 'no-answer', error: 'closed' }));
    socket.once(peer.tls ? 'secureConnect' : 'connect', () => {
      for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) socket.write(part);
    });
    socket.on('data', (chunk: Buffer) => {
      reads.push({ at: performance.now(), bytes: chunk });
      options.onRead?.(chunk.toString('latin1'), socket);
      const outcome = current();
      if (outcome.kind === 'answer' && outcome.complete) finish(outcome);
    });
  });
}

/** Connects, and speaks HTTP/1.1 where TLS asks. */
export function open(peer: Peer): Socket {
  const base = { host: '127.0.0.1', port: peer.port, ...(peer.localAddress ? { localAddress: peer.localAddress } : {}) };
  if (!peer.tls) return connectTcp(base);
  const { ca, servername, cert, key } = peer.tls;
  return connectTls({ ...base, ca, servername, ALPNProtocols: ['http/1.1'], ...(cert && key ? { cert, key } : {}) });
}

function parse(reads: readonly Read[], head: boolean): Outcome {
  const all = Buffer.concat(reads.map((read) => read.bytes)).toString('latin1');
  const end = all.indexOf('\r\n\r\n');
  if (end < 0) return { kind: 'no-answer', error: 'not an HTTP answer' };
  const [line = '', ...lines] = all.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0);
  if (status === 0) return { kind: 'no-answer', error: 'not an HTTP answer' };
  const rest = all.slice(end + 4);
  // An interim answer (100-continue) is followed by the real one.
  if (status === 100) return parse([{ at: reads.at(-1)?.at ?? 0, bytes: Buffer.from(rest, 'latin1') }], head);
  const headers = lines.map((text) => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1).trim()] as const);
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const answer = (body: string, complete: boolean): Answer => ({
    kind: 'answer',
    status,
    headers,
    body: Buffer.from(body, 'latin1').toString('utf8'),
    reads,
    complete,
  });
  if (head || status === 204 || status === 304 || status === 101) return answer('', true);
  if (value('transfer-encoding')?.toLowerCase() === 'chunked') return dechunk(rest, answer);
  const length = value('content-length');
  return length === undefined ? answer(rest, false) : answer(rest.slice(0, Number(length)), rest.length >= Number(length));
}

function dechunk(rest: string, answer: (body: string, complete: boolean) => Answer): Answer {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return answer(body, false);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (size === 0) return answer(body, true);
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (at > rest.length) return answer(body, false);
  }
}

/** A header of an answer, or undefined. */
export function answerHeader(answer: Answer, name: string): string | undefined {
  return answer.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** The `error.code` of a refusal, or null when the body is none of ours. */
export function errorCode(body: string): string | null {
  try {
    const code = (JSON.parse(body) as { error?: { code?: unknown } }).error?.code;
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}
