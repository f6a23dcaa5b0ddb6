import { join } from 'node:path';
import { diffText } from '../output/diff.ts';
import { followState } from '../credentials/state.ts';
import { applyChanges, type Change, planChanges } from '../output/plan.ts';
import { engineCommands } from '../deploy/engines.ts';
import { outputBelow, type Project, renderGateway, requireProject } from '../pipeline.ts';
import { derivePrivateFiles } from '../private-files.ts';
import { type CommonOptions, EXIT, out, say, sayProblems } from './io.ts';

interface Options extends CommonOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
}

export async function run(options: Options): Promise<number> {
  const looksOnly = options.check === true || options.diff === true;
  const project = requireProject(options.file);
  sayProblems(project.problems);
  const changes = looksOnly ? plan(project, options.output).changes : write(options).changes;
  if (options.json) out(JSON.stringify({ schemaVersion: 1, changes: changes.map(({ path, kind }) => ({ path, kind })) }));
  if (options.diff) for (const change of changes) out(diffText(change));
  const words = options.check
    ? { add: 'missing', change: 'differs', remove: 'left over' }
    : { add: 'wrote', change: 'changed', remove: 'removed' };
  if (options.check) {
    for (const { path, kind } of changes) say(options, `drift: ${join(options.output, path)} (${words[kind]})`);
    if (changes.length > 0) say(options, '  hint: gatewright generate writes them again');
    return changes.length > 0 ? EXIT.failed : EXIT.ok;
  }
  if (options.diff) return EXIT.ok;
  for (const { path, kind } of changes) say(options, `${words[kind]} ${join(options.output, path)}`);
  if (changes.length === 0) say(options, `${options.output} is up to date`);
  return EXIT.ok;
}

function plan(project: Project, output: string) {
  const below = outputBelow(project.paths.project, output);
  const directory = join(project.paths.project, below);
  return { directory, changes: planChanges(directory, renderGateway(project.gateway, below)) };
}

/** Writes the output of the project as it is now, which another command may have changed since it was last read. */
function write(options: CommonOptions): { project: Project; changes: readonly Change[] } {
  return followState(requireProject(options.file).paths, () => {
    const project = requireProject(options.file);
    const { directory, changes } = plan(project, options.output);
    applyChanges(directory, changes);
    derivePrivateFiles(project.paths, project.gateway, outputBelow(project.paths.project, options.output));
    return { project, changes };
  });
}

/** Brings the output up to date after a change of credentials or spec, and says how a running gateway learns of it. */
export function settle(options: CommonOptions): void {
  const { project, changes } = write(options);
  if (changes.length > 0) say(options, `updated ${changes.length} file(s) in ${options.output}`);
  const below = outputBelow(project.paths.project, options.output);
  for (const { name, rereads, reload } of engineCommands(project.gateway, below, below))
    say(options, rereads ? `a running ${name} sees it at once` : `a running ${name} sees it after: ${reload}`);
}
