import { printProblems } from '../../src/problems/print.ts';
import { readSpec } from '../../src/spec/read.ts';
import type { Spec } from '../../src/spec/schema.ts';

/** The spec of a text; its problems as an error. */
export function specOf(text: string): Spec {
  const { spec, problems } = readSpec('gatewright.yaml', text);
  if (!spec) throw new Error(printProblems(problems));
  return spec;
}
