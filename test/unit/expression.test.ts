import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { branchesOf, countBranches, type Expression, parseExpression } from '../../src/gateway/expression.ts';

const parse = (text: string): Expression => {
  const result = parseExpression(text);
  if ('error' in result) throw new Error(result.error.message);
  return result.expression;
};

describe('require', () => {
  test.each([
    ['apiKey', [['apiKey']]],
    ['apiKey or (mtls and ip)', [['apiKey'], ['mtls', 'ip']]],
    ['apiKey and mtls or ip', [['apiKey', 'mtls'], ['ip']]],
    [
      '(apiKey or basic) and (mtls or ip)',
      [
        ['apiKey', 'mtls'],
        ['apiKey', 'ip'],
        ['basic', 'mtls'],
        ['basic', 'ip'],
      ],
    ],
    ['mtls and mtls', [['mtls']]],
    ['ip and mtls or mtls and ip', [['ip', 'mtls']]],
  ])('%s', (text, branches) => expect(branchesOf(parse(text))).toEqual(branches));

  test.each([
    ['', 0, 'a method should follow'],
    ['apiKey or', 9, 'a method should follow'],
    ['apiKey mtls', 7, 'expected "and" or "or"'],
    ['apikey', 0, '"apikey" is not a method'],
    ['none', 0, 'is not a method'],
    ['(apiKey', 0, 'never closed'],
    ['apiKey)', 6, 'does not fit'],
    ['apiKey && mtls', 7, 'does not fit'],
    ['apiKey or not ip', 10, '"not" is not a method'],
  ])('%j is an error at %i', (text, offset, message) => {
    const result = parseExpression(text);
    expect('error' in result && { at: result.error.offset, says: result.error.message.includes(message) }).toEqual({
      at: offset,
      says: true,
    });
  });

  test('branches mean the same as the expression', () => {
    const tree = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('apiKey', 'basic', 'mtls', 'ip'),
        fc.tuple(tie('node'), fc.constantFrom('and', 'or'), tie('node')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      ),
    })).node;
    const holds = (node: Expression, truths: ReadonlySet<string>): boolean =>
      node.kind === 'leaf'
        ? truths.has(node.method)
        : node.kind === 'and'
          ? holds(node.left, truths) && holds(node.right, truths)
          : holds(node.left, truths) || holds(node.right, truths);
    fc.assert(
      fc.property(tree, fc.subarray(['apiKey', 'basic', 'mtls', 'ip']), (text, truths) => {
        const expression = parse(text);
        const set = new Set<string>(truths);
        return holds(expression, set) === branchesOf(expression).some((branch) => branch.every((method) => set.has(method)));
      }),
    );
  });

  test('a huge expansion is counted, not built', () => {
    const text = Array.from({ length: 40 }, () => '(apiKey or basic)').join(' and ');
    expect(countBranches(parse(text))).toBe(2 ** 40);
  });
});
