import { changeState } from '../credentials/state.ts';
import { outputBelow, requireProject } from '../pipeline.ts';
import { prepare } from '../prepare.ts';
import { derivePrivateFiles } from '../private-files.ts';
import { type CommonOptions, EXIT, out, say, sayProblems, tools } from './io.ts';

export async function run(options: CommonOptions): Promise<number> {
  const project = requireProject(options.file);
  const { made, problems } = prepare(project.paths, project.gateway, tools());
  changeState(project.paths, () => derivePrivateFiles(project.paths, project.gateway, outputBelow(project.paths.project, options.output)));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, made, problems }));
  for (const path of made) say(options, `made ${path}`);
  if (made.length === 0) say(options, 'nothing was missing');
  sayProblems(problems);
  return problems.length > 0 ? EXIT.failed : EXIT.ok;
}
