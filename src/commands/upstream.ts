import { newKey } from '../credentials/api-key.ts';
import { Secret } from '../credentials/secret.ts';
import { changeState } from '../credentials/state.ts';
import { outputBelow, requireProject } from '../pipeline.ts';
import { writeUpstreamKey } from '../prepare.ts';
import { derivePrivateFiles } from '../private-files.ts';
import { stop } from '../problems/problem.ts';
import { type CommonOptions, EXIT, mayAsk, readStdin, say, tools } from './io.ts';

interface Options extends CommonOptions {
  readonly keyStdin?: boolean;
  readonly generate?: boolean;
}

export async function key(model: string, options: Options): Promise<number> {
  const { paths, gateway } = requireProject(options.file);
  const found = gateway.models.find((one) => one.id === model || one.name === model);
  if (!found)
    throw stop('unknown-model', `"${model}" is not a model`, `models: ${gateway.models.map((one) => one.name ?? one.id).join(', ')}`);
  if (!found.keyRequired) throw stop('invalid-value', `the spec says that "${model}" asks for no key`, 'write key: required at the model');
  if (options.generate && !found.run)
    throw stop('invalid-value', 'only the key of a vLLM that we run can be made up; this one has its own', 'use --key-stdin');
  const secret = options.generate
    ? newKey(tools().random)
    : options.keyStdin
      ? new Secret((await readStdin()).trim())
      : await ask(model, options);
  if (!/^[\x21-\x7e]{1,512}$/.test(secret.reveal()))
    throw stop('invalid-value', 'the key must be one line of up to 512 visible characters');
  changeState(paths, () => {
    writeUpstreamKey(paths, found.id, secret, found.run !== null);
    derivePrivateFiles(paths, gateway, outputBelow(paths.project, options.output));
  });
  const isLabel = gateway.deploy.kind === 'compose' && gateway.deploy.native;
  say(
    options,
    `wrote ${paths.upstreamKey(found.id)}; a running gateway uses it ${isLabel ? 'after docker compose up -d' : 'from the next request on'}`,
  );
  if (found.run) say(options, 'the vLLM that we run reads its key when it starts: restart it');
  return EXIT.ok;
}

async function ask(model: string, options: Options): Promise<Secret> {
  if (!mayAsk(options)) throw stop('needs-terminal', 'there is nobody to ask for the key', 'use --key-stdin');
  const { askSecret } = await import('../wizard/terminal.ts');
  return askSecret(`Key of ${model}`);
}
