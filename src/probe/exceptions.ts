import type { ProxyName } from '../gateway/types.ts';
import { type GatewayRequest, type HeaderLine, headerValues } from '../gateway/request.ts';
import type { Trial } from './lab.ts';

/** What an engine should answer, and which of the answer's headers are compared. */
export interface Expectation {
  /** Null when the connection ends without an answer. */
  readonly status: number | null;
  readonly code: string | null;
  readonly forwarded: boolean;
  /** Names of headers that are not compared; a trailing `*` stands for any ending. */
  readonly unread: readonly string[];
  /** The engine's own words: nothing but the status is compared. */
  readonly bare?: boolean;
}

/** A difference that is known and allowed. Everything that is not here must be equal on every engine. */
interface Exception {
  readonly engine: ProxyName;
  readonly id: string;
  /** What differs, for the administrator who compares engines. */
  readonly differs: string;
  readonly because: string;
  /** The expectation for a request that this is about, or null for any other. Absent where HTTP/1.1 cannot show it. */
  amend?(trial: Trial, usual: Expectation): Expectation | null;
  /** The request as the gate of this engine gets to see it. */
  seen?(request: GatewayRequest): GatewayRequest;
}

const refusedFor = (trial: Trial, ...reasons: string[]): boolean =>
  trial.decision.kind === 'refused' && reasons.includes(trial.decision.reason);

const REFUSAL_HEADERS = ['WWW-Authenticate', 'Allow', 'Retry-After'];

/** Whether a Host is one to a strict reader, a colon without a port being none; an absent key stands for the gateway's own. */
const isHost = (host: string | null | undefined): boolean =>
  host === undefined || (host !== null && /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/.test(host));

/** What Go lets pass as a Host (golang.org/x/net/http/httpguts, ValidHostHeader): one must be there, empty or not. */
const isGoHost = (host: string | null | undefined): boolean => host === undefined || (host !== null && !/[@/?# ]/.test(host));

export const EXCEPTIONS: readonly Exception[] = [
  {
    engine: 'nginx',
    id: 'certificate-refused-after-the-handshake',
    differs: 'A client certificate that TLS refuses is a 400 bad_request; on the others the handshake fails.',
    because: 'nginx finishes the handshake and refuses the first request.',
    amend: (trial, usual) => (trial.decision.kind === 'tls-refused' ? { ...usual, status: 400, code: 'bad_request' } : null),
  },
  {
    engine: 'nginx',
    id: 'request-line-before-headers',
    differs: 'A refusal of the request line itself carries no CORS headers.',
    because: 'nginx answers a line that it cannot parse before it reads a header, so it sees no Origin.',
    amend: (trial, usual) => (refusedFor(trial, 'method_form', 'path_form') ? { ...usual, unread: ['Access-Control-*'] } : null),
  },
  {
    engine: 'nginx',
    id: 'http-0.9',
    differs: 'An answer to HTTP/0.9 has no status line.',
    because: 'nginx still speaks it.',
  },
  {
    engine: 'nginx',
    id: 'nginx-1.22-headers',
    differs:
      'Version 1.22 refuses over HTTP/2 a Host beside :authority even when they are equal, and sends the first line of a header that may repeat (Accept).',
    because: 'It reads such headers into one place; newer ones join them.',
  },
  {
    engine: 'nginx',
    id: 'continue-before-401',
    differs: '100-continue comes before a 401.',
    because: 'nginx sends it when it hands the request to a location.',
  },
  {
    engine: 'nginx',
    id: 'retry-after-rounded',
    differs: 'Retry-After may be a second longer than the bucket needs.',
    because: 'nginx keeps thousandths of a request a second, rounded down.',
  },
  {
    engine: 'nginx',
    id: 'policy-at-start',
    differs: 'A missing or corrupt policy refuses the start, and a reload keeps the old one; look-ups of another policy are a 503.',
    because: 'nginx reads the policy when it reads its config.',
  },
  {
    engine: 'httpd',
    id: 'length-required',
    differs: 'A body of unknown length is a 411 length_required.',
    because: 'httpd hands a chunked body on while it comes and cannot stop it at the limit.',
    amend: (trial, usual) =>
      trial.sketch.chunked && (trial.decision.kind === 'forward' || refusedFor(trial, 'read_length'))
        ? { ...usual, status: 411, code: 'length_required', forwarded: false }
        : null,
  },
  {
    engine: 'httpd',
    id: 'own-parse-errors',
    differs: 'A request that httpd itself cannot parse, its Host included, is a 400 bad_request without CORS headers.',
    because: 'httpd answers before any module is asked.',
    amend: (trial, usual) => {
      if (refusedFor(trial, 'method_form', 'path_form')) return { ...usual, unread: ['Access-Control-*', 'Vary'] };
      // With an absolute-form target httpd takes its authority and looks at no Host, as decide() does.
      if (usual.status === null || isHost(trial.sketch.host) || /^https?:/i.test(trial.sketch.target)) return null;
      return { status: 400, code: 'bad_request', forwarded: false, unread: [...REFUSAL_HEADERS, 'Access-Control-*', 'Vary'] };
    },
  },
  {
    engine: 'httpd',
    id: 'authority-alone',
    differs: 'Over HTTP/2 a Host beside :authority is not looked at; :authority decides.',
    because: 'mod_http2 makes one of the two before any module is asked.',
  },
  {
    engine: 'httpd',
    id: 'joined-lines',
    differs:
      'Lines of a repeated header count as one towards the limit of 100, and one Authorization, key, Origin or Content-Type line that holds a comma and a space is taken for two (400).',
    because: 'httpd joins repeated lines before any module is asked.',
  },
  {
    engine: 'traefik',
    id: 'own-parse-errors',
    differs: 'A request that Go cannot parse, its Host included, and one with a fragment are a 400 in text or without a body.',
    because: 'Go answers before any middleware is asked.',
    amend: (trial, usual) => {
      const { target, host } = trial.sketch;
      const unreadable =
        /%(?![0-9A-Fa-f]{2})|[#\x00-\x20\x7f]/.test(target.split('?')[0] ?? '') || !/^(?:\/|\*$|https?:)/i.test(target) || !isGoHost(host);
      return usual.status !== null && unreadable ? { status: 400, code: null, forwarded: false, unread: [], bare: true } : null;
    },
  },
  {
    engine: 'traefik',
    id: 'connection-stripped',
    differs: 'What Connection names is dropped instead of being refused, unless it is an upgrade.',
    because: 'Traefik removes Connection, and the headers that it names, before any middleware is asked. So it has no effect.',
    seen: (request) => {
      const named = headerValues(request.headers, 'connection').flatMap((line) => line.split(',').map((name) => name.trim().toLowerCase()));
      const upgrade = named.includes('upgrade') && headerValues(request.headers, 'upgrade').some((value) => value !== '');
      const kept = request.headers.flatMap(([name, value]): HeaderLine[] => {
        if (name.toLowerCase() === 'connection' || (named.includes(name.toLowerCase()) && name.toLowerCase() !== 'upgrade')) return [];
        return [[name, value]];
      });
      if (upgrade) kept.push(['Connection', 'upgrade']);
      return { ...request, headers: kept };
    },
  },
  {
    engine: 'traefik',
    id: 'encoded-paths',
    differs: 'A path in which both unreserved and other characters are percent-encoded may be a 404 where decide() says 400.',
    because: 'Traefik decodes unreserved characters before any middleware is asked, and tells only that it did something.',
  },
  {
    engine: 'traefik',
    id: 'authority-alone',
    differs: 'Over HTTP/2 a Host beside :authority is not looked at; :authority decides.',
    because: 'Go makes one of the two before any middleware is asked.',
  },
  {
    engine: 'traefik',
    id: 'oversize-headers',
    differs: 'Headers over about 70 KB are a 431 in text, and over HTTP/2 the end of the connection.',
    because: "Go's own limit, which stands above the gate's.",
  },
  {
    engine: 'traefik',
    id: 'asterisk',
    differs: 'A request of OPTIONS * is a 200 without a body, and shows nothing.',
    because: 'Go answers it by itself.',
    amend: ({ sketch }) =>
      sketch.method === 'OPTIONS' && sketch.target === '*' ? { status: 200, code: null, forwarded: false, unread: [], bare: true } : null,
  },
];

/** The request as an engine's gate gets to see it. */
export function seenBy(engine: ProxyName, request: GatewayRequest): GatewayRequest {
  return EXCEPTIONS.filter((exception) => exception.engine === engine).reduce((seen, exception) => exception.seen?.(seen) ?? seen, request);
}

/** What `decide()` says, as an engine without exceptions would answer. */
function usualExpectation({ decision }: Trial): Expectation {
  const answer = (status: number | null, code: string | null = null, forwarded = false): Expectation => ({
    status,
    code,
    forwarded,
    unread: [],
  });
  switch (decision.kind) {
    case 'tls-refused':
      return answer(null);
    case 'acme':
      return answer(404);
    case 'redirect':
      return answer(308);
    case 'preflight':
      return answer(204);
    case 'refused':
      return answer(decision.status, decision.code);
    case 'answer':
      return answer(200);
    case 'forward':
      return answer(200, null, true);
  }
}

/** What this engine should answer. */
export function expectationOn(engine: ProxyName, trial: Trial): Expectation {
  return EXCEPTIONS.filter((exception) => exception.engine === engine).reduce(
    (usual, exception) => exception.amend?.(trial, usual) ?? usual,
    usualExpectation(trial),
  );
}
