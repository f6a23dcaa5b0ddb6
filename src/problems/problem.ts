import type { ProblemCode } from './codes.ts';

/** Where in a file a problem is; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly path: string;
  readonly line: number;
  readonly col: number;
}

/** Something a person must know. An error stops the run before anything is written; a warning and a notice do not. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly at?: Place;
  readonly hint?: string;
}

/**
 * Carries problems from the edges (files, processes, ports) to the one place that prints them.
 * The pure stages return problems and never throw this.
 */
export class ProblemError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.message).join('; '));
    this.problems = problems;
  }
}

/** Makes the carrier for a single error. */
export function stop(code: ProblemCode, message: string, hint?: string): ProblemError {
  return new ProblemError([{ code, severity: 'error', message, ...(hint === undefined ? {} : { hint }) }]);
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((p) => p.severity === 'error');
}
