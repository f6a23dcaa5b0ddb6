import { hashSync, truncates } from 'bcryptjs';
import { stop } from '../problems/problem.ts';
import type { RandomBytes } from './api-key.ts';
import type { StatePaths } from './paths.ts';
import type { Secret } from './secret.ts';
import { readText, writeAtomic } from './store.ts';

/** About 55 ms a check on one core: slow enough for people's passwords behind a limit of ten failures a minute. */
const COST = 10;
const MIN_PASSWORD = 10;
/** Asked for unknown names, so that they take as long as known ones. No client can have this name. */
const DECOY = '-';

/** Names and hashes of a htpasswd file, without the decoy. */
export function readPasswords(paths: StatePaths): Map<string, string> {
  return new Map([...readAllPasswords(paths)].filter(([name]) => name !== DECOY));
}

/** The same with the decoy, as an engine checks them. */
export function readAllPasswords(paths: StatePaths): Map<string, string> {
  const text = readText(paths.htpasswd) ?? '';
  const entries = text.split('\n').flatMap((line, i): [string, string][] => {
    if (line === '') return [];
    const match = /^([^:]+):(\$2y\$\d\d\$[./A-Za-z0-9]{53})$/.exec(line);
    if (!match)
      throw stop('store-corrupt', `${paths.htpasswd}:${i + 1} is not a name and a bcrypt hash`, 'restore the file; nothing was changed');
    return [[match[1] ?? '', match[2] ?? '']];
  });
  return new Map(entries);
}

/** Sets a password; the caller holds the lock. Refuses what is too short, and what bcrypt would cut at 72 bytes. */
export function setPassword(paths: StatePaths, client: string, password: Secret, random: RandomBytes): void {
  const text = password.reveal();
  if (truncates(text)) throw stop('weak-password', 'the password is longer than the 72 bytes that bcrypt reads');
  if ([...text].length < MIN_PASSWORD) throw stop('weak-password', `the password has fewer than ${MIN_PASSWORD} characters`);
  if (/[\x00-\x1f\x7f]/.test(text)) throw stop('weak-password', 'the password has control characters, which no browser sends');
  writePasswords(paths, new Map([...readPasswords(paths), [client, bcrypt(text)]]), random);
}

/** Removes a password; false when there was none. */
export function removePassword(paths: StatePaths, client: string, random: RandomBytes): boolean {
  const entries = readPasswords(paths);
  const had = entries.delete(client);
  if (had) writePasswords(paths, entries, random);
  return had;
}

/** Makes the file when it is not there: a gateway with basic auth refuses everything without it. */
export function ensurePasswordFile(paths: StatePaths, random: RandomBytes): boolean {
  if (readText(paths.htpasswd) !== null) return false;
  writePasswords(paths, new Map(), random);
  return true;
}

function writePasswords(paths: StatePaths, entries: Map<string, string>, random: RandomBytes): void {
  const decoy = bcrypt(Buffer.from(random(32)).toString('hex'));
  const lines = [[DECOY, decoy] as const, ...[...entries].sort()].map(([name, hash]) => `${name}:${hash}\n`);
  writeAtomic(paths.htpasswd, lines.join(''), 0o600);
}

/** `$2y$` is the prefix that every htpasswd reader knows. */
function bcrypt(text: string): string {
  return hashSync(text, COST).replace(/^\$2[ab]\$/, '$2y$');
}
