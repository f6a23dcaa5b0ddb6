import { expect, test } from 'vitest';
import { EXCEPTIONS } from '../../src/probe/exceptions.ts';
import { PROXIES } from '../../src/proxies/index.ts';

test('every exception has a name of its own, an engine that is built, and its reason', () => {
  expect(new Set(EXCEPTIONS.map(({ engine, id }) => `${engine} ${id}`)).size).toBe(EXCEPTIONS.length);
  const engines = PROXIES.map((proxy) => proxy.name);
  for (const { engine, differs, because } of EXCEPTIONS) {
    expect(engines).toContain(engine);
    expect(differs).toMatch(/^(?:[A-Z]|\d).*\.$/s);
    expect(because).toMatch(/^[A-Za-z].*\.$/s);
  }
});
