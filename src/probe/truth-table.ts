import type { Behaviour, Case, Experiment } from './behaviours/behaviour.ts';
import { judge } from './judge.ts';
import type { Lab } from './lab.ts';
import type { Decision } from '../gateway/request.ts';
import { REFUSALS } from '../gateway/refusals.ts';
import type { Subject } from './subject.ts';

export interface Row {
  readonly behaviour: string;
  readonly title: string;
  readonly expected: string;
  readonly got: string;
  /** Null when the row was predicted and not run. */
  readonly ok: boolean | null;
  readonly detail: string;
}

/** Runs every behaviour against a running gateway. `onRow` is told as rows are judged. */
export async function runTruthTable(lab: Lab, behaviours: readonly Behaviour[], onRow: (row: Row) => void = () => {}): Promise<Row[]> {
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    onRow(row);
  };
  for (const behaviour of behaviours) {
    for (const one of behaviour.cases?.(lab.subject) ?? []) add(await runCase(lab, behaviour.id, one));
    for (const one of behaviour.experiments?.(lab.subject) ?? []) add(await runExperiment(lab, behaviour.id, one));
  }
  return rows;
}

/** A denial is only believed when its twin is let through, or the same bytes work without the gateway. */
async function runCase(lab: Lab, behaviour: string, { title, sketch, opened }: Case): Promise<Row> {
  const denied = lab.predict(sketch).kind !== 'forward';
  const twin = denied ? await openedProblem(lab, sketch, opened) : null;
  const verdict = judge(lab.subject, await lab.trial(sketch));
  const differences = [...verdict.differences, ...(twin ? [twin] : [])];
  return { behaviour, title, expected: verdict.expected, got: verdict.got, ok: differences.length === 0, detail: differences.join('; ') };
}

async function openedProblem(lab: Lab, sketch: Case['sketch'], opened: Case['opened']): Promise<string | null> {
  if (opened !== 'double') {
    if (lab.predict(opened).kind !== 'forward') return 'the twin that should be allowed is not';
    const { differences } = judge(lab.subject, await lab.trial(opened));
    return differences.length === 0 ? null : `the allowed twin: ${differences.join('; ')}`;
  }
  const direct = await lab.direct(sketch);
  // Bytes that no HTTP server would take (a malformed line) prove nothing either way; whatever is parsed is recorded.
  if (direct.outcome.kind === 'answer' && direct.outcome.status === 400 && direct.seen.length === 0) return null;
  return direct.seen.length === 1 ? null : 'the same bytes did not reach the double directly';
}

async function runExperiment(lab: Lab, behaviour: string, { title, expected, run }: Experiment): Promise<Row> {
  const problem = await run(lab);
  return { behaviour, title, expected, got: problem ?? 'as expected', ok: problem === null, detail: problem ?? '' };
}

/** The table without an engine: what `decide()` says, marked as not run. */
export function predictTruthTable(
  subject: Subject,
  predict: (sketch: Case['sketch']) => Decision,
  behaviours: readonly Behaviour[],
): Row[] {
  return behaviours.flatMap((behaviour) => [
    ...(behaviour.cases?.(subject) ?? []).map(
      ({ title, sketch }): Row => ({
        behaviour: behaviour.id,
        title,
        expected: describeDecision(predict(sketch)),
        got: 'not run',
        ok: null,
        detail: '',
      }),
    ),
    ...(behaviour.experiments?.(subject) ?? []).map(
      ({ title, expected }): Row => ({ behaviour: behaviour.id, title, expected, got: 'not run', ok: null, detail: '' }),
    ),
  ]);
}

/** A decision in a few words: `401 invalid_credentials`, `alice →upstream`. */
export function describeDecision(decision: Decision): string {
  switch (decision.kind) {
    case 'refused':
      return `${REFUSALS[decision.code].status} ${decision.code}`;
    case 'forward':
      return `${decision.client} →upstream`;
    case 'redirect':
      return `308 ${decision.location}`;
    case 'preflight':
      return '204 preflight';
    case 'answer':
      return `200 models: ${decision.models.join(', ')}`;
    case 'tls-refused':
      return 'refused by TLS';
    case 'acme':
      return 'ACME';
  }
}
