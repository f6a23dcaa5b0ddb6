import { stop } from '../problems/problem.ts';

/** Which of a client's live credentials a command means: one by its id, the only one, or all. */
export type Which = { readonly id: string } | 'only' | 'all';

/** The chosen ones; none, or several where only one can be meant, is an error that says what to do. */
export function chooseLive<T>(live: readonly T[], which: Which, idOf: (item: T) => string, words: { client: string; what: string }): T[] {
  const { client, what } = words;
  const chosen = typeof which === 'string' ? [...live] : live.filter((item) => idOf(item) === which.id);
  if (chosen.length === 0) {
    const named = typeof which === 'string' ? '' : ` ${which.id}`;
    throw stop('not-found', `"${client}" has no live ${what}${named}`, `gatewright ${what === 'key' ? 'key' : 'cert'} list shows them`);
  }
  if (which === 'only' && chosen.length > 1) {
    throw stop(
      'ambiguous-name',
      `"${client}" has ${chosen.length} live ${what}s: ${chosen.map(idOf).join(', ')}`,
      'name one of them, or use --all',
    );
  }
  return chosen;
}
