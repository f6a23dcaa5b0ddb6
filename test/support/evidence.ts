import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/probe/lab.ts';

/** Where the suite keeps what the engines wrote, until the last test has looked through it. */
export const EVIDENCE =
  process.env.GATEWRIGHT_EVIDENCE ?? join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'gatewright-evidence');

/** Words that stand for secrets: they were sent, and must be in no log, no output and no process list. */
export function noteSecrets(words: readonly string[]): void {
  appendFileSync(join(EVIDENCE, `secrets-${process.pid}.txt`), words.map((word) => `${JSON.stringify(word)}\n`).join(''));
}

/** Logs, output and public credentials of a lab, before it is taken away; but not the gates, which are the same for all. */
export function keepEvidence(lab: Lab): void {
  const { subject } = lab;
  const folder = join(EVIDENCE, randomBytes(6).toString('hex'));
  mkdirSync(folder);
  for (const [i, { path, text }] of lab.logs().entries()) writeFileSync(join(folder, `${i}-${path.replaceAll('/', '_')}`), text);
  for (const name of ['gateway', 'credentials'])
    cpSync(join(subject.paths.project, name), join(folder, name), {
      recursive: true,
      filter: (source) => !/\.(?:sock|go|lua|js)$/.test(source),
    });
  noteSecrets([
    ...subject.cast.flatMap((one) => [
      one.key,
      one.expiredKey,
      one.revokedKey,
      one.password,
      Buffer.from(`${one.client}:${one.password}`).toString('base64'),
      encodeURIComponent(one.password),
    ]),
    subject.upstreamKey,
    ...(subject.issuer ? sharedSecrets(subject.issuer.jwks) : []),
  ]);
}

/** Shared secrets of a JWKS, in the two forms that files of private/run have. */
function sharedSecrets(jwks: string): string[] {
  const { keys } = JSON.parse(jwks) as { keys: { k?: string }[] };
  return keys.flatMap(({ k }) => (k === undefined ? [] : [k, Buffer.from(k, 'base64url').toString('base64')]));
}

/** The command lines of all processes, as anybody on the machine can read them. */
export function keepProcessList(): void {
  if (!existsSync('/proc')) return;
  const lines = readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return []; // It ended meanwhile.
    }
  });
  writeFileSync(join(EVIDENCE, `ps-${randomBytes(6).toString('hex')}.txt`), lines.join('\n'));
}
