import { join } from 'node:path';
import { diffText } from '../output/diff.ts';
import { applyChanges, planChanges } from '../output/plan.ts';
import { outputBelow, type Project, renderGateway, requireProject } from '../pipeline.ts';
import { type CommonOptions, EXIT, out, say, sayProblems } from './io.ts';

interface Options extends CommonOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
}

export async function run(options: Options): Promise<number> {
  const project = requireProject(options.file);
  sayProblems(project.problems);
  const { directory, changes } = plan(project, options.output);
  if (options.json) out(JSON.stringify({ schemaVersion: 1, changes: changes.map(({ path, kind }) => ({ path, kind })) }));
  if (options.diff) for (const change of changes) out(diffText(change));
  if (options.check) {
    for (const change of changes)
      say(
        options,
        `drift: ${join(options.output, change.path)} (${{ add: 'missing', change: 'differs', remove: 'left over' }[change.kind]})`,
      );
    if (changes.length > 0) say(options, '  hint: gatewright generate writes them again');
    return changes.length > 0 ? EXIT.failed : EXIT.ok;
  }
  if (options.diff) return EXIT.ok;
  applyChanges(directory, changes);
  for (const change of changes)
    say(options, `${{ add: 'wrote', change: 'changed', remove: 'removed' }[change.kind]} ${join(options.output, change.path)}`);
  if (changes.length === 0) say(options, `${options.output} is up to date`);
  return EXIT.ok;
}

function plan(project: Project, output: string) {
  const below = outputBelow(project.paths.project, output);
  const directory = join(project.paths.project, below);
  return { directory, changes: planChanges(directory, renderGateway(project.gateway, below)) };
}

/** Brings the output up to date after a change of credentials or spec; says what changed. */
export function refresh(project: Project, options: CommonOptions): void {
  const { directory, changes } = plan(project, options.output);
  applyChanges(directory, changes);
  if (changes.length > 0) say(options, `updated ${changes.length} file(s) in ${options.output}`);
}

/** The line that makes a running gateway read its look-ups again. */
export function reloadLine(project: Project, output: string): string {
  const below = outputBelow(project.paths.project, output);
  return project.gateway.deploy.kind === 'compose'
    ? `docker compose -f ${below}/docker-compose.yml exec gateway nginx -p /etc/gatewright/${below}/nginx/ -c nginx.conf -s reload`
    : `nginx -p ${below}/nginx/ -c nginx.conf -s reload`;
}
