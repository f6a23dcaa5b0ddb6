import type { ProblemCode } from '../../problems/codes.ts';
import type { Place, Problem } from '../../problems/problem.ts';
import type { Path } from '../document.ts';

/** Where the stages of `resolve` put what they find; they report and go on. */
export type Report = (
  code: ProblemCode,
  path: Path,
  message: string,
  options?: { hint?: string; offset?: number; severity?: Problem['severity']; key?: string },
) => void;

export function reportInto(problems: Problem[], place: (path: Path, offset?: number) => Place | undefined): Report {
  return (code, path, message, options = {}) => {
    const at = place(path, options.offset);
    problems.push({
      code,
      severity: options.severity ?? 'error',
      message,
      ...(at ? { at } : {}),
      ...(options.hint ? { hint: options.hint } : {}),
    });
  };
}
