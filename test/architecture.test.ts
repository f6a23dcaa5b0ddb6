import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/* The rules of the house (docs/architecture.md), read from the imports. */

const SRC = resolve(import.meta.dirname, '..', 'src');
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.c?ts$/.test(name))
  .map((name) => name.replaceAll('\\', '/'));

interface Import {
  readonly file: string;
  readonly from: string;
  /** Gone when it runs. */
  readonly typeOnly: boolean;
}

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/gm)].map((match) => {
    const target = match[1] ?? match[2] ?? '';
    const from = target.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), target)).replaceAll('\\', '/') : target;
    return { file, from, typeOnly: match[0].startsWith('import type') };
  });
});
const folder = (path: string): string => path.split('/')[0] ?? '';

describe('the house', () => {
  test('finds the files it speaks of', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(imports.length).toBeGreaterThan(200);
  });

  test('gateway/ knows only itself and the problems', () => {
    const outside = imports.filter(
      ({ file, from }) => folder(file) === 'gateway' && !from.startsWith('node:') && !['gateway', 'problems'].includes(folder(from)),
    );
    expect(outside).toEqual([]);
  });

  test('gateway/ is pure: no files, no clock, no randomness', () => {
    const impure = files.filter(
      (file) =>
        folder(file) === 'gateway' &&
        /'node:(?!crypto)|Date\.now|new Date\(\)|Math\.random|randomBytes/.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(impure).toEqual([]);
  });

  test('problems/ know nobody', () => {
    expect(imports.filter(({ file, from }) => folder(file) === 'problems' && folder(from) !== 'problems')).toEqual([]);
  });

  test('a proxy sees the Gateway, never the Spec, and never a sibling', () => {
    const proxies = imports.filter(({ file }) => file.startsWith('proxies/'));
    expect(proxies.filter(({ from }) => ['spec', 'commands', 'credentials', 'pki', 'probe', 'wizard'].includes(folder(from)))).toEqual([]);
    const siblings = proxies.filter(
      ({ file, from }) =>
        file.split('/').length > 2 &&
        from.startsWith('proxies/') &&
        from.split('/').length > 2 &&
        from.split('/')[1] !== file.split('/')[1],
    );
    expect(siblings).toEqual([]);
  });

  test('credentials and pki know nothing of proxies; deploy knows them by the list and its interface', () => {
    const found = imports.filter(({ file, from }) => ['credentials', 'pki', 'deploy'].includes(folder(file)) && folder(from) === 'proxies');
    expect(found.filter(({ file }) => folder(file) !== 'deploy')).toEqual([]);
    expect([...new Set(found.map(({ from }) => from))].sort()).toEqual(['proxies/index.ts', 'proxies/proxy.ts', 'proxies/template.ts']);
  });

  test('nothing imports a command but the command line and other commands', () => {
    expect(imports.filter(({ file, from }) => folder(from) === 'commands' && folder(file) !== 'commands' && file !== 'cli.cts')).toEqual(
      [],
    );
  });

  test('third-party packages have one importer each, but for YAML (reading, writing) and the schemas of files', () => {
    const importers = new Map<string, string[]>();
    for (const { file, from, typeOnly } of imports) {
      if (typeOnly || from.startsWith('node:') || /\.c?ts$/.test(from)) continue;
      importers.set(from, [...new Set([...(importers.get(from) ?? []), file])].sort());
    }
    expect(Object.fromEntries([...importers].sort())).toEqual({
      bcryptjs: ['credentials/htpasswd.ts'],
      commander: ['cli.cts'],
      handlebars: ['proxies/template.ts'],
      inquirer: ['wizard/terminal.ts'],
      'node-forge': ['pki/der.ts'],
      yaml: ['output/yaml-text.ts', 'spec/document.ts'],
      // The spec and the two stores: each says itself what its file holds.
      zod: ['credentials/api-key.ts', 'pki/inventory.ts', 'spec/schema.ts'],
    });
  });

  test('files are touched at the edges only', () => {
    const users = [
      ...new Set(imports.filter(({ from }) => from === 'node:fs').map(({ file }) => file.replace(/^(probe\/engines\/).*/, '$1*'))),
    ].sort();
    expect(users).toEqual([
      'cli.cts',
      'commands/reference.ts',
      'commands/try.ts',
      'credentials/store.ts',
      'probe/engines/*',
      'probe/subject.ts',
      'proxies/template.ts',
    ]);
  });

  test('no file is over 400 lines, and no file of a gate over 650', () => {
    expect(files.filter((file) => readFileSync(join(SRC, file), 'utf8').split('\n').length > 400)).toEqual([]);
    const templates = resolve(SRC, '..', 'templates');
    const gates = readdirSync(templates, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:js|lua|go)$/.test(name));
    expect(gates.length).toBeGreaterThan(3);
    expect(gates.filter((name) => readFileSync(join(templates, name), 'utf8').split('\n').length > 650)).toEqual([]);
  });

  test('continuous integration runs the line that the README gives', () => {
    const read = (name: string): string => readFileSync(resolve(SRC, '..', name), 'utf8');
    const line = read('.ci/run').trimEnd().split('\n').at(-1) ?? '';
    expect(line).toContain('npm test');
    expect(read('README.md').split('\n')).toContain(`    ${line}`);
  });

  test('no any, no enum, no default export', () => {
    const weak = files.filter((file) =>
      /: any\b|as any\b|\benum \w|@ts-(ignore|nocheck)|export default/.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(weak).toEqual([]);
  });
});
