import type { StatePaths } from './paths.ts';
import { fileExists, makeDirectory, makePrivateDirectory, readText, withLock, writeAtomic } from './store.ts';

/** Lets Git merge revocations by keeping the lines of both sides. */
const ATTRIBUTES = 'revoked.jsonl merge=union\n';
const IGNORE_ALL = '*\n';

/** Makes the folders of a project's state with their modes, and the files that keep secrets out of Git. */
function prepareState(paths: StatePaths): void {
  makeDirectory(paths.credentials);
  for (const dir of [paths.privateDir, paths.caKeys, paths.issued, paths.run]) makePrivateDirectory(dir);
  const ignore = `${paths.privateDir}/.gitignore`;
  if (readText(ignore) !== IGNORE_ALL) writeAtomic(ignore, IGNORE_ALL, 0o600);
  const attributes = `${paths.credentials}/.gitattributes`;
  if (!fileExists(attributes)) writeAtomic(attributes, ATTRIBUTES, 0o644);
}

/**
 * Runs what reads state and writes something that follows from it, so that no older view overwrites a newer one.
 * Where there is no private folder, as in CI, there is no state that could change meanwhile.
 */
export function followState<T>(paths: StatePaths, work: () => T): T {
  return fileExists(paths.privateDir) ? withLock(paths.privateDir, work) : work();
}

/** Runs a change of state: folders made, lock held. */
export function changeState<T>(paths: StatePaths, work: () => T): T {
  return withLock(paths.privateDir, () => {
    prepareState(paths);
    return work();
  });
}
