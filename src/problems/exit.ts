import type { ProblemCode } from './codes.ts';
import type { Problem } from './problem.ts';

/** Errors about work that could not be done; every other error says that the call or the spec is wrong. */
const WORK: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'exists-already',
  'missing-ca',
  'missing-secret',
  'store-corrupt',
  'store-locked',
  'mode-too-open',
  'cannot-write',
  'drift',
  'port-in-use',
  'engine-missing',
  'engine-failed',
  'probe-failed',
  'weak-password',
  'unreachable',
]);

/** 0 without errors, 1 when all of them are work that could not be done, else 2. */
export function exitCodeOf(problems: readonly Problem[]): 0 | 1 | 2 {
  const errors = problems.filter((problem) => problem.severity === 'error');
  return errors.length === 0 ? 0 : errors.every((problem) => WORK.has(problem.code)) ? 1 : 2;
}
