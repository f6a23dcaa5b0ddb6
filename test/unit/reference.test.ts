import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSpec } from '../../src/spec/read.ts';
import { specJsonSchema } from '../../src/spec/schema.ts';
import { RICH_SPEC } from '../support/lab.ts';

const REFERENCE = readFileSync(new URL('../../src/spec/reference.yaml', import.meta.url), 'utf8');

/** Every key that the schema knows, anywhere. */
function schemaKeys(node: unknown, keys = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return keys;
  for (const [name, value] of Object.entries(node)) {
    if (name === 'properties') for (const key of Object.keys(value as object)) keys.add(key);
    schemaKeys(value, keys);
  }
  return keys;
}

describe('the reference and the JSON Schema', () => {
  test('every key of the schema stands in the reference, with a comment', () => {
    const keys = schemaKeys(specJsonSchema());
    expect(keys.size).toBeGreaterThan(60);
    for (const key of keys) expect(REFERENCE).toMatch(new RegExp(`(^|[\\s{#])${key}:`, 'm'));
  });

  test('the reference itself is a spec; only what is marked later is refused', () => {
    const { spec, problems } = readSpec('reference.yaml', REFERENCE);
    expect(problems).toEqual([]);
    expect(spec).not.toBeNull();
  });

  test('the schema for editors agrees with the reader', () => {
    const schema = specJsonSchema();
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    const good = [RICH_SPEC, REFERENCE, 'version: 1\nhosts: [a]\nmodels: [x]\nclients: [a]\nauth: apiKey\n'];
    for (const text of good) expect({ valid: validate(parse(text)), errors: validate.errors }).toEqual({ valid: true, errors: null });
    const bad = ['version: 2', 'hosts: []', 'clients: [A]', 'auth: {}', 'proxy: caddy', 'nonsense: 1'];
    for (const line of bad) {
      const text = `${good[2]
        ?.split('\n')
        .filter((l) => !l.startsWith(line.split(':')[0] ?? ''))
        .join('\n')}\n${line}\n`;
      expect({ line, schema: validate(parse(text)), reader: readSpec('x', text).spec !== null }).toEqual({
        line,
        schema: false,
        reader: false,
      });
    }
  });

  test('whatever text comes, the reader answers with problems and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => readSpec('x', text).spec === null));
    const mutated = fc
      .tuple(fc.nat(REFERENCE.length), fc.nat(40), fc.string({ maxLength: 8 }))
      .map(([at, cut, put]) => REFERENCE.slice(0, at) + put + REFERENCE.slice(at + cut));
    fc.assert(
      fc.property(mutated, (text) => {
        const { spec, problems } = readSpec('x', text);
        return spec !== null || (problems.length > 0 && problems.every((p) => p.at !== undefined && p.at.line >= 1 && p.at.col >= 1));
      }),
      { numRuns: 300 },
    );
  });
});
