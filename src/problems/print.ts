import type { Problem } from './problem.ts';

/** One problem as people read it: `file:line:col severity code path: message`, then the hint. */
function printProblem(problem: Problem): string {
  const { at } = problem;
  const where = at ? `${at.file}:${at.line}:${at.col} ` : '';
  const path = at?.path ? `${at.path}: ` : '';
  const hint = problem.hint ? `\n  hint: ${problem.hint}` : '';
  return `${where}${problem.severity} ${problem.code} ${path}${problem.message}${hint}`;
}

/** All problems, those with a place first and in the order of the file. */
export function printProblems(problems: readonly Problem[]): string {
  const key = (p: Problem): number => (p.at ? p.at.line * 10_000 + p.at.col : Number.MAX_SAFE_INTEGER);
  return [...problems]
    .sort((a, b) => key(a) - key(b))
    .map(printProblem)
    .join('\n');
}
