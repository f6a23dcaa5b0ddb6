import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberToken, token } from '../../src/proxies/nginx/quote.ts';

describe('nginx quoting', () => {
  test.each([
    ['plain', 'plain'],
    ['a;b', '"a;b"'],
    ['a{b}', '"a{b}"'],
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
    ['a b', '"a b"'],
    ['', '""'],
    ['#x', '"#x"'],
    ["it's", '"it\'s"'],
  ])('%j', (value, expected) => expect(token(value)).toBe(expected));

  test.each(['a\nb', 'a\rb', 'a\0b', 'a$b', 'a\x7fb'])('%j throws', (value) => expect(() => token(value)).toThrow());

  test('a quoted word never ends early', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        fc.pre(!/[\x00-\x1f\x7f$]/.test(value));
        const quoted = token(value);
        if (!quoted.startsWith('"')) return /^[^\s;{}"'#\\$]+$/.test(quoted);
        return /^"(?:[^"\\]|\\.)*"$/s.test(quoted) && quoted.slice(1, -1).replace(/\\(.)/gs, '$1') === value;
      }),
    );
  });

  test('numbers are whole', () => {
    expect(numberToken(20_000_000)).toBe('20000000');
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => numberToken(bad)).toThrow();
  });
});
