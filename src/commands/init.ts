import { join, resolve } from 'node:path';
import { changeState } from '../credentials/state.ts';
import { createOnce, fileExists, makeDirectory } from '../credentials/store.ts';
import { statePaths } from '../credentials/paths.ts';
import { createAuthority } from '../pki/authority.ts';
import { hasAuthority } from '../pki/inventory.ts';
import { loadText, requireProject } from '../pipeline.ts';
import { prepare } from '../prepare.ts';
import { hasErrors, ProblemError, stop } from '../problems/problem.ts';
import { collectAnswers, draftSpec, wrongAnswer } from '../wizard/draft.ts';
import type { Answers } from '../wizard/questions.ts';
import { admit, printHandOver } from './client.ts';
import { settle } from './generate.ts';
import { type CommonOptions, EXIT, mayAsk, say, sayProblems, tools } from './io.ts';

const SPEC = 'gatewright.yaml';

export interface InitOptions extends CommonOptions, Partial<Answers> {
  readonly credentials?: boolean;
}

/** Asks, shows the spec, writes it; then the CA, the first client's credentials and the output in the same go. */
export async function run(directory: string | undefined, options: InitOptions): Promise<number> {
  const project = resolve(directory ?? '.');
  const file = join(project, SPEC);
  if (fileExists(file))
    throw stop('exists-already', `${file} exists and is not overwritten`, 'edit it, or choose another folder: gatewright init DIR');
  const wrong = wrongAnswer(options);
  if (wrong) throw stop('invalid-value', `${wrong.flag} ${wrong.message}`);
  const ask = mayAsk(options) && !options.yes;
  if (!ask && !options.yes)
    throw stop('needs-terminal', 'there is nobody to ask', 'use --yes, with flags for what should differ from the defaults');
  const asker = ask ? await (await import('../wizard/terminal.ts')).terminalAsker() : null;
  const answers = await collectAnswers(options, asker);
  const text = draftSpec(answers);
  const paths = statePaths(project);
  // A spec that asks for certificates does not resolve before its CA is there, so that one problem is expected.
  const { problems } = loadText(file, text);
  const real = problems.filter((problem) => problem.code !== 'missing-ca');
  if (hasErrors(real)) throw new ProblemError(real);
  say(options, `\n${text}`);
  if (asker && !(await asker.yes(`Write this to ${file}?`, true))) return EXIT.failed;
  makeDirectory(project);
  createOnce(file, text, 0o644);
  say(options, `wrote ${file}`);
  const credentials = asker
    ? await asker.yes(`Make what it needs: certificates, the first credentials of ${answers.client}, the output?`, true)
    : options.credentials !== false;
  if (!credentials) return EXIT.ok;

  const common = { ...options, file };
  changeState(paths, () => {
    if (/\bmtls\b/.test(answers.require) && !hasAuthority(paths, 'clients')) createAuthority(paths, 'clients', tools());
  });
  const made = requireProject(file);
  sayProblems(made.problems);
  const prepared = prepare(paths, made.gateway, tools());
  sayProblems(prepared.problems);
  const given = changeState(paths, () => admit(made, answers.client, common));
  settle(common);
  printHandOver(requireProject(file), given, common);
  say(options, '\nNext: gatewright try, gatewright test, and the README in the output folder.');
  return EXIT.ok;
}
