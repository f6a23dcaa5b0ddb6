import { describe, expect, test } from 'vitest';
import { readSpec } from '../../src/spec/read.ts';

const lines = (text: string): string[] =>
  [...readSpec('gatewright.yaml', text).problems]
    .sort((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0))
    .map((p) => `${p.at?.line}:${p.at?.col} ${p.code} ${p.at?.path}${p.hint ? ` (${p.hint})` : ''}`);
const GOOD = 'version: 1\nhosts: [llm.example.com]\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n';

describe('reading a spec', () => {
  test('short forms become long ones', () => {
    const { spec, problems } = readSpec(
      'x',
      `${GOOD}limits: { body: 20MB, failures: 5/minute }\nlisten: { trustedProxies: [10.0.0.0/8] }\n`,
    );
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      auth: { require: 'apiKey' },
      clients: [{ name: 'alice' }],
      models: [{ upstream: 'http://localhost:8000' }],
      limits: { body: 20_000_000, failures: { count: 5, seconds: 60 } },
    });
    expect(readSpec('x', GOOD.replace('http://localhost:8000', 'Qwen/Qwen3-8B')).spec?.models).toEqual([{ run: 'Qwen/Qwen3-8B' }]);
  });

  test('five mistakes are five problems with line and column, in one go', () => {
    const text =
      'version: 1\nhosts: [LLM.example.com]\nmodels:\n  - upsteam: http://localhost:8000\nclients: [alice, Bob]\nauth:\n  require: apiKey\n  apiKeys: {}\nlimits:\n  body: 20 apples\n';
    expect(lines(text)).toEqual([
      '2:9 invalid-value hosts[0]',
      '4:5 unknown-key models[0].upsteam (did you mean "upstream"?)',
      '5:18 invalid-value clients[1]',
      '8:3 unknown-key auth.apiKeys (did you mean "apiKey"?)',
      '10:9 invalid-value limits.body',
    ]);
  });

  test.each([
    ['a key twice', `${GOOD}hosts: [x]\n`, '6:1 yaml-syntax '],
    ['a tab', 'version: 1\n\thosts: [x]\n', '2:1 yaml-syntax '],
    ['an unresolved alias', `${GOOD}cors: *nothing\n`, '6:7 yaml-alias '],
    [
      'an alias bomb',
      `${GOOD}cors: &a [x, x, x, x, x, x, x, x, x]\nx: &b [*a, *a, *a, *a, *a, *a, *a, *a]\ny: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nz: [*c, *c, *c, *c, *c, *c]\n`,
      'yaml-alias',
    ],
    ['nothing at all', '', 'invalid'],
    ['a missing key', GOOD.replace('clients: [alice]\n', ''), 'missing-key'],
    ['the wrong kind', GOOD.replace('[alice]', 'alice'), '4:10 invalid-value clients'],
    ['a wrong word', `${GOOD}proxy: ngnix\n`, '6:8 invalid-value proxy'],
    ['a null', `${GOOD}limits:\n`, '6:8 invalid-value limits'],
    ['a bad rate', `${GOOD}limits: { failures: 10/fortnight }\n`, 'invalid-value limits.failures'],
    ['a range with bits below its mask', `${GOOD}listen: { trustedProxies: [10.0.0.1/8] }\n`, 'invalid-value listen.trustedProxies[0]'],
  ])('%s is a problem', (_, text, expected) => {
    const found = lines(text);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join('\n')).toContain(expected);
  });

  test('a suggestion for a misspelt word', () => {
    const [problem] = readSpec('x', `${GOOD}proxy: ngnix\n`).problems;
    expect(problem?.message).toContain('did you mean nginx?');
  });
});
