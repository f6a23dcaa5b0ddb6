import type { RefusalCode } from './refusals.ts';

/** A header line as it came, without the white space around the value; bytes as latin1. Names are compared without their case. */
export type HeaderLine = readonly [name: string, value: string];

/** The facts about a request that a gateway may use. */
export interface GatewayRequest {
  readonly scheme: 'https' | 'http';
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  /** `:authority` of HTTP/2, where it was sent. */
  readonly authority?: string;
  /** Address of the TCP peer. */
  readonly peer: string;
  readonly certificate: { readonly kind: 'none' | 'rejected' } | { readonly kind: 'verified'; readonly fingerprint: string };
  /** Bytes announced, or null when unknown; and bytes that came. */
  readonly body: { readonly length: number | null; readonly read: number };
  readonly model: { readonly kind: 'none' | 'unreadable' } | { readonly kind: 'name'; readonly name: string };
}

interface PasswordCheck {
  readonly name: string;
  readonly password: string;
  /** What failures are counted by: an IPv4 address, or the /64 of an IPv6 one, in hex. */
  readonly address: string;
}

export type TokenResult =
  | { readonly valid: true; readonly subject: string; readonly roles: string | readonly string[] | null }
  | { readonly valid: false; readonly reason: string };

/** What a gateway may look up. All of it is pure from the view of one request. */
export interface World {
  /** Seconds since 1970. */
  readonly now: number;
  key(sha256: string): { readonly client: string; readonly expires: number | null } | null;
  /** A throttled check says after how many seconds the next one may come. */
  password(check: PasswordCheck): 'right' | 'wrong' | { readonly throttled: number };
  jwt(token: string): TokenResult;
  /** The client of a live certificate, by the SHA-256 of its DER in lower-case hex. */
  certificate(fingerprint: string): string | null;
  /** Seconds to wait when the client's rate is used up, else null. */
  rate(client: string): number | null;
  /** Requests of the client that are under way. */
  concurrent(client: string): number;
  /** Requests of all clients that are under way. */
  concurrentAll(): number;
}

interface Refused {
  readonly kind: 'refused';
  readonly status: number;
  readonly code: RefusalCode;
  /** For the log alone; never in an answer. */
  readonly reason: string;
  /** Who was refused, where that was known by then. */
  readonly client: string | null;
  readonly headers: readonly HeaderLine[];
}

export interface Forward {
  readonly kind: 'forward';
  readonly client: string;
  readonly role: string;
  readonly route: string;
  /** The model's id, and its name where the gateway looked at it. */
  readonly upstream: string;
  readonly model: string | null;
  /** Headers that go upstream; X-Request-Id only when a trusted proxy's is kept, else the gateway makes one. */
  readonly upstreamHeaders: readonly HeaderLine[];
  readonly upstreamKey: boolean;
  /** Headers of the answer that the policy decides. */
  readonly headers: readonly HeaderLine[];
}

export type Decision =
  | { readonly kind: 'tls-refused' }
  | { readonly kind: 'acme' }
  | { readonly kind: 'redirect'; readonly status: 308; readonly location: string }
  | { readonly kind: 'preflight'; readonly status: 204; readonly headers: readonly HeaderLine[] }
  | {
      readonly kind: 'answer';
      readonly client: string;
      readonly role: string;
      readonly models: readonly string[];
      readonly headers: readonly HeaderLine[];
    }
  | Refused
  | Forward;

/** All values of a header, in order. */
export function headerValues(headers: readonly HeaderLine[], name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

/** The value of a header that may come once; undefined when it did not come. */
export function headerValue(headers: readonly HeaderLine[], name: string): string | undefined {
  return headerValues(headers, name)[0];
}
