import { join } from 'node:path';
import { fileMode, makeDirectory, readText, removeFile, writeAtomic } from '../credentials/store.ts';
import type { Artifact } from './artifact.ts';

/** Lists what the last generate wrote, so that the next one can remove what is no longer part of it. */
const MANIFEST = '.generated';

export interface Change {
  readonly path: string;
  readonly kind: 'add' | 'change' | 'remove';
  readonly before: string | null;
  readonly after: string | null;
}

/** What writing these artifacts would change below a folder; nothing when it is all there already. */
export function planChanges(directory: string, artifacts: readonly Artifact[]): Change[] {
  const wanted = withManifest(artifacts);
  const changes = wanted.flatMap(({ path, content }): Change[] => {
    const before = readText(join(directory, path));
    return before === content ? [] : [{ path, kind: before === null ? 'add' : 'change', before, after: content }];
  });
  const known = new Set(wanted.map((artifact) => artifact.path));
  const old = (readText(join(directory, MANIFEST)) ?? '').split('\n').filter((path) => path !== '' && isInside(path) && !known.has(path));
  const removed = old.flatMap((path): Change[] => {
    const before = readText(join(directory, path));
    return before === null ? [] : [{ path, kind: 'remove', before, after: null }];
  });
  return [...changes, ...removed];
}

/** Writes a plan. Every file is whole or not there; a gate refuses everything while look-ups and policy do not match. */
export function applyChanges(directory: string, changes: readonly Change[]): void {
  for (const { path } of changes.filter((change) => change.after !== null)) makeDirectory(join(directory, path, '..'));
  for (const { path, after } of changes) {
    if (after !== null) writeAtomic(join(directory, path), after, fileMode(join(directory, path)) ?? 0o644);
  }
  for (const { path, after } of changes) if (after === null) removeFile(join(directory, path));
}

function withManifest(artifacts: readonly Artifact[]): Artifact[] {
  const sorted = [...artifacts].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...sorted, { path: MANIFEST, content: `${sorted.map((artifact) => artifact.path).join('\n')}\n` }];
}

/** A line of the manifest is a file's content and could have been edited: only paths below the folder count. */
function isInside(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}
