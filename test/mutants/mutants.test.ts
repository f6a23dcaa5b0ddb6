import { describe, expect, test } from 'vitest';
import { BEHAVIOURS } from '../../src/probe/behaviours/index.ts';
import { makeSubject } from '../../src/probe/subject.ts';
import { runTruthTable } from '../../src/probe/truth-table.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINE_NAMES, engineFor, RICH_SPEC, testLab, tools } from '../support/lab.ts';
import { ALGORITHMS, SPECS } from '../support/specs.ts';
import { specOf } from '../support/spec.ts';
import { chosen, type Mutant, mutantsOf } from './operators.ts';

/*
 * A suite is worth what it notices. Each mutant is a gateway with one line changed; it is killed when the engine refuses it, or
 * when some row of the truth table turns out otherwise than decide() says. GATEWRIGHT_MUTANTS says how many of each engine.
 */
const COUNT = Number(process.env.GATEWRIGHT_MUTANTS ?? 200);
const SEED = Number(process.env.GATEWRIGHT_SEED ?? 1);
const KILLED = 0.95;
/** The first has most in it and notices most; the others are asked about what it has not noticed. */
const EVERYTHING = RICH_SPEC.replace('require: apiKey', 'require: jwt or apiKey')
  .replace('  ip: {', '  jwt: { issuer: "https://idp.example.com", audience: llm, keys: jwks.json, roles: groups, role: reader }\n  ip: {')
  .replace('operator: { routes: [openai,', 'operator: { routes: [openai, realtime, responses.get,');
const OTHERS = ['grouped', 'a certificate and a key', 'rates', 'a WebSocket'].map((name) => SPECS[name] ?? '');

class Killed extends Error {}

/** What noticed the mutant, or null. With no mutant it must be null: what kills everything shows nothing. */
async function killedBy(engine: (typeof ENGINE_NAMES)[number], mutant: Mutant | null): Promise<string | null> {
  for (const spec of [EVERYTHING, ...OTHERS]) {
    const by = await noticed(engine, mutant, spec);
    if (by) return by;
  }
  return null;
}

async function noticed(engine: (typeof ENGINE_NAMES)[number], mutant: Mutant | null, spec: string): Promise<string | null> {
  let misplaced: string | null = null;
  try {
    const lab = await testLab(spec, {
      on: engine,
      algorithms: ALGORITHMS(engine),
      mutate: (read, write) => {
        if (!mutant) return;
        const lines = read(mutant.file).split('\n');
        if (lines[mutant.line - 1] !== mutant.before && spec === EVERYTHING)
          misplaced = `${mutant.file}:${mutant.line} is not the line that was meant`;
        const at = lines[mutant.line - 1] === mutant.before ? mutant.line - 1 : lines.indexOf(mutant.before);
        // Another spec may not have the line at all.
        if (at < 0) return;
        lines[at] = mutant.after;
        write(mutant.file, lines.join('\n'));
      },
    });
    try {
      await runTruthTable(lab, BEHAVIOURS, (row) => {
        if (row.ok === false) throw new Killed(`${row.behaviour} ${row.title}: expected ${row.expected}, got ${row.got}`);
      });
    } finally {
      await lab.close();
    }
  } catch (error) {
    // That would be killed by anything.
    if (misplaced) throw new Error(misplaced, { cause: error });
    return error instanceof Error ? error.message : String(error);
  }
  return null;
}

describe.for(ENGINE_NAMES.filter(engineFor))('mutants of %s', (engine) => {
  test('are killed', async () => {
    const subject = await makeSubject(specOf(EVERYTHING), { proxy: engine, upstream: 1, tools: tools() });
    const all = mutantsOf(engine, (file) => readFileSync(join(subject.paths.project, subject.output, engine, file), 'utf8'));
    subject.remove();
    expect(await killedBy(engine, null)).toBeNull();
    const mutants = chosen(all, COUNT, SEED);
    const survivors: Mutant[] = [];
    for (const [i, mutant] of mutants.entries()) {
      if (await killedBy(engine, mutant)) continue;
      survivors.push(mutant);
      console.log(
        `${engine} ${i + 1}/${mutants.length}: survived ${mutant.file}:${mutant.line}  ${mutant.before.trim()}  →  ${mutant.after.trim()}`,
      );
    }
    const killed = mutants.length - survivors.length;
    console.log(
      [
        `${engine}: ${killed} of ${mutants.length} killed (${((100 * killed) / mutants.length).toFixed(1)} %), out of ${all.length} possible`,
        ...survivors.map(({ file, line, before, after }) => `  ${file}:${line}\n    - ${before.trim()}\n    + ${after.trim()}`),
      ].join('\n'),
    );
    expect(killed / mutants.length).toBeGreaterThanOrEqual(KILLED);
  });
});
