import { afterAll, describe, expect, test } from 'vitest';
import { BEHAVIOURS } from '../../src/probe/behaviours/index.ts';
import { PROMPT } from '../../src/probe/behaviours/cast.ts';
import { runTruthTable } from '../../src/probe/truth-table.ts';
import { noteSecrets } from '../support/evidence.ts';
import { ENGINE_NAMES, engineFor, testLab } from '../support/lab.ts';
import { ALGORITHMS, SPECS } from '../support/specs.ts';

/*
 * The table that `gatewright test` runs for a user, over specs that differ in one idea each. Not run here: several
 * models, JWT, other engines (they are refused), and every pair of ideas (the generated cases draw those).
 */

describe.for(ENGINE_NAMES)('the truth table on %s', (engine) => {
  let judged = 0;
  for (const [title, text] of Object.entries(SPECS)) {
    test.skipIf(!engineFor(engine))(title, async () => {
      const lab = await testLab(text, { on: engine, algorithms: ALGORITHMS(engine) });
      noteSecrets([PROMPT, 'query-canary-91c2', 'wrong-password-1', 'wrong-password-over']);
      const rows = await runTruthTable(lab, BEHAVIOURS);
      await lab.close();
      judged += rows.length;
      expect(
        rows
          .filter((row) => !row.ok)
          .map((row) => `${row.behaviour} ${row.title.slice(0, 90)}: expected ${row.expected}, got ${row.got} (${row.detail})`),
      ).toEqual([]);
      // Where no client can enter by what the cast has, there is less to ask.
      expect(rows.length).toBeGreaterThan(title === 'tokens from an address' ? 50 : 150);
    });
  }
  afterAll(() => console.log(`${judged} rows judged on ${engine}`));
});
