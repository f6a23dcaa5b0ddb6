import type { StatePaths } from './paths.ts';
import { readText, writeAtomic } from './store.ts';
import { stop } from '../problems/problem.ts';

export interface Revocation {
  readonly kind: 'key' | 'certificate';
  /** The key's id, or the certificate's serial. */
  readonly id: string;
  readonly client: string;
  readonly at: string;
}

/** Every revocation ever made, one JSON object a line. Lines are only ever added. */
export function readRevocations(paths: StatePaths): Revocation[] {
  const lines = (readText(paths.revoked) ?? '').split('\n').filter((line) => line !== '');
  return lines.map((line, i) => {
    try {
      const value = JSON.parse(line) as Revocation;
      if ((value.kind === 'key' || value.kind === 'certificate') && typeof value.id === 'string') return value;
      throw new Error('no kind or id');
    } catch (error) {
      throw stop(
        'store-corrupt',
        `${paths.revoked}:${i + 1} is not a revocation: ${(error as Error).message}`,
        'restore the file from version control; nothing was changed',
      );
    }
  });
}

export function addRevocations(paths: StatePaths, added: readonly Revocation[]): void {
  if (added.length === 0) return;
  const old = readText(paths.revoked) ?? '';
  const lines = added.map((revocation) => `${JSON.stringify(revocation)}\n`).join('');
  writeAtomic(paths.revoked, old === '' || old.endsWith('\n') ? old + lines : `${old}\n${lines}`, 0o644);
}

/** Ids of one kind that are revoked. */
export function revokedIds(paths: StatePaths, kind: Revocation['kind']): Set<string> {
  return new Set(readRevocations(paths).flatMap((r) => (r.kind === kind ? [r.id] : [])));
}
