import { removePassword, setPassword } from '../credentials/htpasswd.ts';
import { Secret } from '../credentials/secret.ts';
import { changeState } from '../credentials/state.ts';
import { makePrivateDirectory } from '../credentials/store.ts';
import { requireProject } from '../pipeline.ts';
import { stop } from '../problems/problem.ts';
import { settle } from './generate.ts';
import { type CommonOptions, EXIT, mayAsk, out, readStdin, say, tools } from './io.ts';
import { requireUse } from './key.ts';

interface SetOptions extends CommonOptions {
  readonly passwordStdin?: boolean;
  readonly generate?: boolean;
}

/** A password of 24 characters out of 64: 144 bits. */
export function generatePassword(random: (size: number) => Uint8Array): Secret {
  return new Secret(Buffer.from(random(18)).toString('base64url'));
}

export async function set(client: string, options: SetOptions): Promise<number> {
  const project = requireProject(options.file);
  requireUse(project, client, 'basic');
  const { random } = tools();
  const password = options.generate
    ? generatePassword(random)
    : options.passwordStdin
      ? new Secret(await readStdin())
      : await ask(client, options);
  changeState(project.paths, () => {
    makePrivateDirectory(project.paths.passwords);
    setPassword(project.paths, client, password, random);
  });
  if (options.generate) out(password.reveal());
  say(options, `password of ${client} set${options.generate ? '; it is shown this once' : ''}`);
  settle(options);
  return EXIT.ok;
}

async function ask(client: string, options: SetOptions): Promise<Secret> {
  if (!mayAsk(options)) throw stop('needs-terminal', 'there is nobody to ask for the password', 'use --password-stdin or --generate');
  const { askSecret } = await import('../wizard/terminal.ts');
  return askSecret(`Password of ${client}`);
}

export async function remove(client: string, options: CommonOptions): Promise<number> {
  const { paths } = requireProject(options.file);
  const had = changeState(paths, () => removePassword(paths, client, tools().random));
  if (!had) throw stop('not-found', `"${client}" has no password`);
  say(options, `password of ${client} removed`);
  settle(options);
  return EXIT.ok;
}
