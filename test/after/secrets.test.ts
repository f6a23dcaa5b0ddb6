import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

describe('after the suite', () => {
  test('there is something to look through', () => {
    console.log(`${secrets.length} secrets, ${evidence.length} files`);
    expect(secrets.length).toBeGreaterThan(100);
    expect(evidence.filter((file) => file.endsWith('access.log')).length).toBeGreaterThan(10);
    expect(evidence.some((file) => /ps-[0-9a-f]+\.txt$/.test(file))).toBe(true);
    // The search can find: what is known to be in a log is found by it.
    expect(evidence.some((file) => readFileSync(file, 'latin1').includes('invalid_credentials'))).toBe(true);
  });

  test('no secret is in any of it', () => {
    const found: string[] = [];
    for (const file of evidence) {
      const text = readFileSync(file, 'latin1');
      for (const secret of secrets)
        if (text.includes(Buffer.from(secret).toString('latin1')))
          found.push(`${file.slice(EVIDENCE.length)} holds ${secret.slice(0, 6)}…`);
    }
    expect(found).toEqual([]);
  });
});
