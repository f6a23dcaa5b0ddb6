import { describe, expect, test } from 'vitest';
import { folder, gatewright } from './run.ts';

describe('the command line', () => {
  test('says its version, its commands and its exit codes', () => {
    expect(gatewright(folder(), ['--version']).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = gatewright(folder(), ['--help']);
    expect(help.code).toBe(0);
    for (const word of ['init', 'generate', 'verify', 'ask', 'client', 'Exit codes']) expect(help.out).toContain(word);
  });

  test('explain, schema, reference and routes print data', () => {
    expect(gatewright(folder(), ['explain', 'not-yet']).out).toContain('cannot enforce it yet');
    expect(JSON.parse(gatewright(folder(), ['schema']).out)).toMatchObject({ type: 'object', additionalProperties: false });
    expect(gatewright(folder(), ['reference']).out).toContain('version: 1');
    expect(gatewright(folder(), ['routes']).out).toMatch(/POST \/invocations\s+inference\s+leaves it OPEN\s+never/);
  });
});
