import type { Change } from './plan.ts';

const CONTEXT = 2;

/** A change as a unified diff of lines. */
export function diffText(change: Change): string {
  const a = lines(change.before);
  const b = lines(change.after);
  const head = [`--- ${change.before === null ? '/dev/null' : change.path}`, `+++ ${change.after === null ? '/dev/null' : change.path}`];
  return [...head, ...hunks(compare(a, b))].join('\n');
}

type Line = { readonly mark: ' ' | '-' | '+'; readonly text: string };

function lines(text: string | null): string[] {
  return text === null || text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Longest common subsequence between the first and the last differing line; generated files are small. */
function compare(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const keep = (text: string): Line => ({ mark: ' ', text });
  const middle =
    x.length * y.length > 4_000_000
      ? [...x.map((text): Line => ({ mark: '-', text })), ...y.map((text): Line => ({ mark: '+', text }))]
      : subsequence(x, y);
  return [...a.slice(0, start).map(keep), ...middle, ...a.slice(a.length - end).map(keep)];
}

function subsequence(x: readonly string[], y: readonly string[]): Line[] {
  const length = Array.from({ length: x.length + 1 }, () => new Array<number>(y.length + 1).fill(0));
  const at = (i: number, j: number): number => length[i]?.[j] ?? 0;
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      (length[i] as number[])[j] = x[i] === y[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const result: Line[] = [];
  for (let i = 0, j = 0; i < x.length || j < y.length; ) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      result.push({ mark: ' ', text: x[i] ?? '' });
      i++;
      j++;
    } else if (j >= y.length || (i < x.length && at(i + 1, j) >= at(i, j + 1))) result.push({ mark: '-', text: x[i++] ?? '' });
    else result.push({ mark: '+', text: y[j++] ?? '' });
  }
  return result;
}

function hunks(all: readonly Line[]): string[] {
  const shown = all.map((_, i) => all.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some((line) => line.mark !== ' '));
  return all.flatMap((line, i) => (shown[i] ? [...(i > 0 && !shown[i - 1] ? ['@@'] : []), line.mark + line.text] : []));
}
