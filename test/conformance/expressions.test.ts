import { describe, expect, test } from 'vitest';
import { branchesOf, parseExpression } from '../../src/gateway/expression.ts';
import { admission, denial, mismatch, nobody } from '../../src/probe/behaviours/access.ts';
import { PROMPT } from '../../src/probe/behaviours/cast.ts';
import { runTruthTable } from '../../src/probe/truth-table.ts';
import { noteSecrets } from '../support/evidence.ts';
import { ENGINE_NAMES, engineFor, testLab } from '../support/lab.ts';

/*
 * Every method alone, every two of them joined both ways, and threes in two shapes: who enters, who does not because of one
 * thing, and what the answer says is missing. Every client has every credential, a token of its own among them.
 */
const METHODS = ['apiKey', 'basic', 'jwt', 'mtls', 'ip'];
const pairs = METHODS.flatMap((a, i) => METHODS.slice(i + 1).map((b) => [a, b] as const));
const triples = pairs.flatMap(([a, b]) => METHODS.slice(METHODS.indexOf(b) + 1).map((c) => [a, b, c] as const));
const joined = [
  ...METHODS,
  ...pairs.flatMap(([a, b]) => [`${a} or ${b}`, `${b} and ${a}`]),
  ...triples.flatMap(([a, b, c]) => [`${a} or (${b} and ${c})`, `(${c} or ${a}) and ${b}`]),
];
/** Two methods that both need Authorization cannot be joined directly; the spec refuses it. */
const EXPRESSIONS = joined.filter((text) => !/basic and jwt|jwt and basic/.test(text));

function specOf(text: string): string {
  const parsed = parseExpression(text);
  if ('error' in parsed) throw new Error(parsed.error.message);
  const branches = branchesOf(parsed.expression);
  const names = new Set(branches.flat());
  const alone = branches.some((branch) => branch.length === 1 && branch[0] === 'ip');
  return JSON.stringify({
    version: 1,
    hosts: ['llm.example.com'],
    models: [{ upstream: 'http://127.0.0.1:1', key: 'required' }],
    auth: {
      require: text,
      ...(names.has('ip') ? { ip: { allow: ['10.0.0.0/8'], ...(alone ? { as: 'bob' } : {}) } } : {}),
      ...(names.has('jwt') ? { jwt: { issuer: 'https://idp.example.com', audience: 'llm', keys: 'jwks.json', role: 'default' } } : {}),
    },
    roles: { default: { routes: ['chat', 'models'] } },
    clients: ['alice', 'bob'].map((name) => ({ name, ...(names.has('jwt') ? { sub: `sub-of-${name}` } : {}) })),
    limits: { failures: '200/minute' },
  });
}

test('there are enough of them', () => {
  expect(EXPRESSIONS.length).toBeGreaterThanOrEqual(40);
  expect(new Set(EXPRESSIONS).size).toBe(EXPRESSIONS.length);
});

describe.for(ENGINE_NAMES.filter(engineFor))('expressions on %s', (engine) => {
  test.for(EXPRESSIONS)('%s', async (text) => {
    noteSecrets([PROMPT, 'wrong-password-1']);
    const lab = await testLab(specOf(text), { on: engine });
    const rows = await runTruthTable(lab, [admission, denial, nobody, mismatch]);
    await lab.close();
    expect(
      rows.filter((row) => !row.ok).map((row) => `${row.behaviour} ${row.title}: expected ${row.expected}, got ${row.got} (${row.detail})`),
    ).toEqual([]);
    // Somebody enters, and somebody does not.
    expect(rows.some((row) => row.expected.endsWith('→upstream'))).toBe(true);
    expect(rows.some((row) => /^40[13]|TLS/.test(row.expected))).toBe(true);
  });
});
