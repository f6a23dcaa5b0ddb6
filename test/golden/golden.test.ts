import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Artifact } from '../../src/output/artifact.ts';
import { applyChanges, planChanges } from '../../src/output/plan.ts';
import { loadProject, renderGateway } from '../../src/pipeline.ts';
import { printProblems } from '../../src/problems/print.ts';

/*
 * One folder a case, one idea a case: gatewright.yaml, and either the whole output or the problems that refuse it.
 * UPDATE_GOLDEN=1 writes them again; a change of a golden is reviewed like a change of a firewall.
 */
const HERE = import.meta.dirname;
const cases = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const update = process.env.UPDATE_GOLDEN === '1';
/** The gates are copied as they are; their own tests look at them. */
const COPIED = /\.(?:js|lua|go)$/;

function filesBelow(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => [
      join(entry.parentPath, entry.name).slice(folder.length + 1),
      readFileSync(join(entry.parentPath, entry.name), 'utf8'),
    ]),
  );
}

function write(folder: string, artifacts: readonly Artifact[]): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, content } of artifacts) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

describe('golden', () => {
  test('there are cases of both kinds', () => {
    expect(cases.filter((name) => existsSync(join(HERE, name, 'expected'))).length).toBeGreaterThan(5);
    expect(cases.filter((name) => existsSync(join(HERE, name, 'problems.txt'))).length).toBeGreaterThan(5);
  });

  for (const name of cases) {
    test(name, () => {
      const folder = join(HERE, name);
      const { project, problems } = loadProject(join(folder, 'gatewright.yaml'));
      const said = problems.length > 0 ? `${printProblems(problems).replaceAll(`${folder}/`, '')}\n` : '';
      const artifacts = project ? renderGateway(project.gateway, 'gateway').filter((artifact) => !COPIED.test(artifact.path)) : [];
      if (update) {
        write(join(folder, 'expected'), artifacts);
        if (artifacts.length === 0) rmSync(join(folder, 'expected'), { recursive: true, force: true });
        if (said !== '') writeFileSync(join(folder, 'problems.txt'), said);
        else rmSync(join(folder, 'problems.txt'), { force: true });
      }
      expect(said).toBe(existsSync(join(folder, 'problems.txt')) ? readFileSync(join(folder, 'problems.txt'), 'utf8') : '');
      expect(new Map(artifacts.map((artifact) => [artifact.path, artifact.content]))).toEqual(filesBelow(join(folder, 'expected')));
      if (!project) return;
      // Writing it twice changes nothing the second time.
      const out = mkdtempSync(join(tmpdir(), 'gatewright-golden-'));
      applyChanges(out, planChanges(out, renderGateway(project.gateway, 'gateway')));
      expect(planChanges(out, renderGateway(project.gateway, 'gateway'))).toEqual([]);
      rmSync(out, { recursive: true });
    });
  }
});
