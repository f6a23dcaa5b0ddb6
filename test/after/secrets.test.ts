import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EVIDENCE } from '../support/evidence.ts';

/*
 * Runs last. Whatever was sent in the whole suite as a key, password, prompt or query, right or wrong, must stand in no
 * log of any engine (its password cache included), in no output, no public credential and no process list.
 */
const files = readdirSync(EVIDENCE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const secrets = [
  ...new Set(
    files
      .filter((file) => /secrets-\d+\.txt$/.test(file))
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as string),
      ),
  ),
];
const evidence = files.filter((file) => !/secrets-\d+\.txt$/.test(file));

/** The files that hold one of the words, byte by byte. There are thousands of words and of files: grep looks for all words at once. */
function filesWith(words: readonly string[]): string[] {
  const patterns = join(mkdtempSync(join(tmpdir(), 'gatewright-words-')), 'words');
  writeFileSync(patterns, words.map((word) => `${word}\n`).join(''), { mode: 0o600 });
  const { status, stdout, stderr } = spawnSync('grep', ['-rlaF', '-f', patterns, '--exclude=secrets-*.txt', EVIDENCE], {
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  rmSync(dirname(patterns), { recursive: true });
  if (status !== 0 && status !== 1) throw new Error(`grep: ${stderr}`);
  return stdout.split('\n').filter(Boolean);
}

describe('after the suite', () => {
  test('there is something to look through', () => {
    console.log(`${secrets.length} secrets, ${evidence.length} files`);
    expect(secrets.length).toBeGreaterThan(100);
    expect(secrets.filter((secret) => secret.includes('\n') || secret.length < 5)).toEqual([]);
    expect(evidence.filter((file) => file.endsWith('access.log')).length).toBeGreaterThan(10);
    expect(evidence.some((file) => /ps-[0-9a-f]+\.txt$/.test(file))).toBe(true);
    // The search can find: what is known to be in a log is found by it.
    expect(filesWith(['nothing of this kind', 'invalid_credentials']).length).toBeGreaterThan(10);
  });

  test('no secret is in any of it', { timeout: 300_000 }, () => {
    const found = filesWith(secrets).map((file) => {
      const text = readFileSync(file, 'latin1');
      const held = secrets.filter((secret) => text.includes(Buffer.from(secret).toString('latin1')));
      return `${file.slice(EVIDENCE.length)} holds ${held.map((secret) => `${secret.slice(0, 6)}…`).join(', ')}`;
    });
    expect(found).toEqual([]);
  });
});
