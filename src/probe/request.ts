import { createHash, X509Certificate } from 'node:crypto';
import type { GatewayRequest, HeaderLine } from '../gateway/request.ts';
import { exchange, type Outcome, type Peer } from './exchange.ts';
import { type Subject, TRUSTED_PEER } from './subject.ts';

/** A request of the probe: what is sent, and from where. */
export interface Sketch {
  readonly method: string;
  readonly target: string;
  /** In order. Host, Content-Length and X-Forwarded-For are added unless they are here. */
  readonly headers?: readonly HeaderLine[];
  readonly body?: string;
  /** Sent in chunks of unknown total length. */
  readonly chunked?: boolean;
  /** The caller's address, as a trusted proxy tells it; the loopback peer itself when absent. */
  readonly from?: string;
  readonly certificate?: { readonly cert: string; readonly key: string; readonly known: boolean } | null;
  /** Overrides the Host header; null sends none. */
  readonly host?: string | null;
  readonly scheme?: 'https' | 'http';
  /** Without a Connection header, where `close` is sent otherwise. */
  readonly silent?: boolean;
}

/** The header lines as they go out. */
function headerLines(subject: Subject, sketch: Sketch): HeaderLine[] {
  const given = sketch.headers ?? [];
  const has = (name: string): boolean => given.some(([key]) => key.toLowerCase() === name);
  const host = sketch.host === undefined ? (subject.gateway.hosts[0] ?? 'localhost') : sketch.host;
  return [
    ...(host === null || has('host') ? [] : [['Host', host] as const]),
    ...given,
    ...(sketch.from === undefined ? [] : [['X-Forwarded-For', sketch.from] as const]),
    ...(sketch.body === undefined || has('content-type') ? [] : [['Content-Type', 'application/json'] as const]),
    ...(sketch.chunked
      ? [['Transfer-Encoding', 'chunked'] as const]
      : sketch.body === undefined || has('content-length')
        ? []
        : [['Content-Length', String(Buffer.byteLength(sketch.body))] as const]),
    ...(has('connection') || sketch.silent ? [] : [['Connection', 'close'] as const]),
  ];
}

/** The bytes of a sketch: the very same go to the gateway, or straight to the double. */
export function wireBytes(subject: Subject, sketch: Sketch): Buffer {
  const head = [
    `${sketch.method} ${sketch.target} HTTP/1.1`,
    ...headerLines(subject, sketch).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n');
  const body = Buffer.from(sketch.body ?? '');
  const framed = sketch.chunked
    ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
    : body;
  return Buffer.concat([Buffer.from(head, 'latin1'), framed]);
}

/** The same request as `decide()` sees it. */
export function asRequest(subject: Subject, sketch: Sketch): GatewayRequest {
  const size = Buffer.byteLength(sketch.body ?? '');
  const announced = sketch.headers?.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  const { certificate } = sketch;
  return {
    scheme: sketch.scheme ?? 'https',
    method: sketch.method,
    target: sketch.target,
    headers: headerLines(subject, sketch),
    peer: sketch.from === undefined ? '127.0.0.1' : TRUSTED_PEER,
    certificate: !certificate
      ? { kind: 'none' }
      : certificate.known
        ? { kind: 'verified', fingerprint: createHash('sha256').update(new X509Certificate(certificate.cert).raw).digest('hex') }
        : { kind: 'rejected' },
    body: { length: sketch.chunked ? null : announced === undefined ? size : Number(announced), read: size },
    model: { kind: 'none' },
  };
}

export function peerOf(subject: Subject, sketch: Sketch): Peer {
  const http = sketch.scheme === 'http';
  const { certificate } = sketch;
  return {
    port: http ? (subject.gateway.listen.http ?? 0) : subject.gateway.listen.https,
    ...(http
      ? {}
      : {
          tls: {
            ca: subject.ca,
            servername: servername(subject),
            ...(certificate ? { cert: certificate.cert, key: certificate.key } : {}),
          },
        }),
    ...(sketch.from === undefined ? {} : { localAddress: TRUSTED_PEER }),
  };
}

function servername(subject: Subject): string {
  return subject.gateway.hosts.find((host) => /[a-z]/.test(host) && !host.startsWith('[')) ?? subject.gateway.hosts[0] ?? 'localhost';
}

export function sendSketch(subject: Subject, sketch: Sketch): Promise<Outcome> {
  return exchange(peerOf(subject, sketch), wireBytes(subject, sketch), { head: sketch.method === 'HEAD' });
}
