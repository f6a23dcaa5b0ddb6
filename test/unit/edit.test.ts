import { describe, expect, test } from 'vitest';
import { readDocument } from '../../src/spec/document.ts';
import { addClient, removeClient } from '../../src/spec/edit.ts';

const doc = (text: string) => {
  const { document } = readDocument('x', text);
  if (!document) throw new Error('not YAML');
  return document;
};
const FLOW = '# head\nclients: [alice,  bob]   # people\nauth: apiKey # tail\n';
const BLOCK =
  '# head\nclients:\n  - alice # first\n  - { name: bob, role: dev } # second\n  # between\n  - name: carol\n    role: dev # third\n\nauth: apiKey # tail\n';

describe('editing the spec', () => {
  test('adds to a flow list', () =>
    expect(addClient(doc(FLOW), { name: 'dave', role: null })).toBe(
      '# head\nclients: [alice,  bob, dave]   # people\nauth: apiKey # tail\n',
    ));
  test('adds to a block list', () =>
    expect(addClient(doc(BLOCK), { name: 'dave', role: 'dev' })).toBe(
      BLOCK.replace('# third\n', '# third\n  - { name: dave, role: dev }\n'),
    ));
  test('adds to a list at the margin', () =>
    expect(addClient(doc('clients:\n- a\nauth: apiKey\n'), { name: 'b', role: null })).toBe('clients:\n- a\n- b\nauth: apiKey\n'));
  test('adds at the very end of a file', () =>
    expect(addClient(doc('auth: apiKey\nclients:\n  - a'), { name: 'b', role: null })).toBe('auth: apiKey\nclients:\n  - a\n  - b'));
  test('removes from a flow list', () => {
    expect(removeClient(doc(FLOW), 0)).toBe(FLOW.replace('alice,  ', ''));
    expect(removeClient(doc(FLOW), 1)).toBe(FLOW.replace(',  bob', ''));
  });
  test('removes from a block list', () => {
    expect(removeClient(doc(BLOCK), 0)).toBe(BLOCK.replace('  - alice # first\n', ''));
    expect(removeClient(doc(BLOCK), 1)).toBe(BLOCK.replace('  - { name: bob, role: dev } # second\n', ''));
    expect(removeClient(doc(BLOCK), 2)).toBe(BLOCK.replace('  - name: carol\n    role: dev # third\n', ''));
  });
  test('never removes the last', () => expect(() => removeClient(doc('clients: [a]\n'), 0)).toThrow(/only client/));
});
