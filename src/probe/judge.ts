import type { Forward } from '../gateway/request.ts';
import { headerValue } from '../gateway/request.ts';
import { expectationOn } from './exceptions.ts';
import { answerHeader, errorCode } from './exchange.ts';
import type { Trial } from './lab.ts';
import type { Subject } from './subject.ts';

export interface Verdict {
  readonly expected: string;
  readonly got: string;
  /** What differs; empty when nothing does. */
  readonly differences: readonly string[];
}

/** Compares an engine's answer, and what the upstream saw, with `decide()`. */
export function judge(subject: Subject, trial: Trial): Verdict {
  const want = expectationOn(subject.proxy, trial);
  const { outcome, seen, decision } = trial;
  const expected = describe(want.status, want.code, want.forwarded);
  if (outcome.kind === 'no-answer') {
    const differences = [
      ...(want.status === null ? [] : [`no answer: ${outcome.error}`]),
      ...(want.status === null && !/alert/i.test(outcome.error) ? [`not a TLS alert: ${outcome.error}`] : []),
      ...(seen.length > 0 ? ['the upstream saw the request'] : []),
    ];
    return { expected, got: outcome.error, differences };
  }
  if (want.bare) {
    const differences = [
      ...(outcome.status === want.status ? [] : [`status ${outcome.status}, not ${want.status}`]),
      ...(seen.length > 0 ? ['the upstream saw the request'] : []),
    ];
    return { expected, got: describe(outcome.status, null, seen.length > 0), differences };
  }
  const code = outcome.status >= 400 ? errorCode(outcome.body) : null;
  const got = describe(outcome.status, code, seen.length > 0);
  const differences: string[] = [];
  if (outcome.status !== want.status) differences.push(`status ${outcome.status}, not ${want.status}`);
  if (want.code !== null && trial.sketch.method !== 'HEAD' && code !== want.code) differences.push(`code ${code}, not ${want.code}`);
  if (!want.forwarded && seen.length > 0) differences.push('the upstream saw the request');
  if (want.forwarded && seen.length !== 1) differences.push(`the upstream saw ${seen.length} requests, not 1`);
  if (!outcome.complete) differences.push('the answer was cut');
  if (decision.kind === 'redirect' && answerHeader(outcome, 'location') !== decision.location)
    differences.push(`Location ${answerHeader(outcome, 'location')}, not ${decision.location}`);
  if (decision.kind === 'refused' || decision.kind === 'preflight' || decision.kind === 'forward')
    differences.push(...compareHeaders(trial, decision.headers, want.unread));
  if (
    decision.kind === 'refused' &&
    trial.sketch.scheme !== 'http' &&
    !/^[0-9a-f]{32}$|^[A-Za-z0-9_-]{8,64}$/.test(answerHeader(outcome, 'x-request-id') ?? '')
  )
    differences.push('no X-Request-Id');
  const only = seen[0];
  if (decision.kind === 'forward' && only) differences.push(...compareUpstream(subject, decision, only, trial));
  return { expected, got, differences };
}

function describe(status: number | null, code: string | null, forwarded: boolean): string {
  return `${status ?? 'refused by TLS'}${code ? ` ${code}` : ''}${forwarded ? ' →upstream' : ''}`;
}

const POLICY_HEADERS = [
  'Allow',
  'WWW-Authenticate',
  'Retry-After',
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Headers',
  'Access-Control-Expose-Headers',
  'Access-Control-Max-Age',
];

function compareHeaders({ outcome }: Trial, wanted: readonly (readonly [string, string])[], unread: readonly string[]): string[] {
  if (outcome.kind === 'no-answer') return [];
  return POLICY_HEADERS.flatMap((name) => {
    if (unread.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))) return [];
    const want = wanted.filter(([key]) => key === name).map(([, value]) => value);
    const got = outcome.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    return JSON.stringify(want) === JSON.stringify(got) ? [] : [`${name} ${JSON.stringify(got)}, not ${JSON.stringify(want)}`];
  });
}

/** Headers that belong to the connection between gateway and upstream. */
const FRAMING = ['connection', 'transfer-encoding', 'content-length'];

function compareUpstream(subject: Subject, decision: Forward, seen: Trial['seen'][number], trial: Trial): string[] {
  const wanted = new Map(decision.upstreamHeaders.filter(([name]) => !FRAMING.includes(name)));
  if (decision.upstreamKey) wanted.set('authorization', `Bearer ${subject.upstreamKey}`);
  const got = seen.headers.filter(([name]) => !FRAMING.includes(name));
  const differences: string[] = [];
  for (const [name, value] of got) {
    if (name === 'x-request-id' && !wanted.has(name)) {
      if (!/^[0-9a-f]{32}$/.test(value)) differences.push('X-Request-Id is not 128 bits in hex');
    } else if (wanted.get(name) !== value)
      differences.push(`upstream ${name}: ${wanted.has(name) ? `"${value}", not "${wanted.get(name)}"` : 'should not be there'}`);
  }
  for (const name of wanted.keys()) if (!got.some(([key]) => key === name)) differences.push(`upstream ${name}: missing`);
  if (!got.some(([key]) => key === 'x-request-id')) differences.push('upstream x-request-id: missing');
  if (seen.body !== (trial.sketch.body ?? '')) differences.push('the body arrived changed');
  const path = trial.sketch.target.replace(/^https?:\/\/[^/?]*/i, '');
  if (seen.target !== path || seen.method !== trial.sketch.method) differences.push(`upstream saw ${seen.method} ${seen.target}`);
  if (headerValue(seen.headers, 'host') === undefined) differences.push('upstream host: missing');
  return differences;
}
