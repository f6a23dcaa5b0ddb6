import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';

/*
 * argv → command. The only catch-all and the only exit code. Commands are imported when they are called, so that what is
 * not used costs nothing at start. This file is CommonJS, because starting the loader of ES modules costs a quarter of bare
 * `node`, and the build makes one file of it and commander (scripts/bundle.js); everything behind it is ES modules (docs/decisions/0006).
 */

const USAGE = 2;
const BUG = 70;
const INTERRUPTED = 130;

type Run = (...args: never[]) => Promise<number>;
type Flag = readonly [flags: string, description: string];

/** Flags that every command takes. */
const COMMON: readonly Flag[] = [
  ['-f, --file <spec>', 'the spec'],
  ['-o, --output <folder>', 'the output folder, below the folder of the spec'],
  ['--json', 'data as JSON on standard output'],
  ['--yes', 'take the defaults instead of asking'],
  ['--no-input', 'never ask'],
  ['--quiet', 'no talk on standard error'],
];
const DEFAULTS: Readonly<Record<string, string>> = { '-f, --file <spec>': 'gatewright.yaml', '-o, --output <folder>': 'gateway' };

/** Gives a program its tree of commands: names, flags, and where each is done. `done` is told the exit code. */
function addCommands(program: Command, version: string, done: (code: number) => void): void {
  program
    .description('One spec in; a proven gateway for self-hosted language models out.')
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: print })
    .addHelpText(
      'after',
      '\nExit codes: 0 done · 1 drift, findings, or work that could not be done · 2 wrong call or spec · 4 only expiry · 130 interrupted · 70 a bug',
    );

  // A command gets its flags, and a group its commands, when it is about to be parsed: all of them would cost every start.
  const complete = new Map<Command, () => void>();
  const withCommands = (parent: Command): Command => parent.hook('preSubcommand', (_, child) => complete.get(child)?.());
  withCommands(program);
  const command = (parent: Command, usage: string, description: string, flags: readonly Flag[], load: () => Promise<Run>): void => {
    const one = parent.command(usage).description(description);
    complete.set(one, () => {
      for (const [name, text] of [...flags, ...COMMON]) one.option(name, text, DEFAULTS[name]);
    });
    one.action(async (...args: unknown[]) => {
      // commander passes the arguments, then the options, then the command itself.
      const run = (await load()) as (...args: unknown[]) => Promise<number>;
      // A reader that stops early (`| head`) is not an error.
      process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : BUG));
      done(await run(...args.slice(0, -1)));
    });
  };
  const group = (name: string, description: string, add: (parent: Command) => void): void => {
    const parent = withCommands(program.command(name).description(description));
    complete.set(parent, () => add(parent));
  };

  command(
    program,
    'init [folder]',
    'ask a few questions, write the spec, make what it needs',
    [
      ['--deploy <where>', 'compose or host'],
      ['--host <name>', 'the name callers use'],
      ['--model <what>', 'the URL of a vLLM that runs, or a Hugging Face id to run one'],
      ['--require <expression>', 'what callers must show'],
      ['--client <name>', 'the first client'],
      ['--no-credentials', 'write the spec only'],
    ],
    async () => (await import('./commands/init.ts')).run,
  );
  command(
    program,
    'generate',
    'write the gateway',
    [
      ['--check', 'write nothing; exit 1 when a file differs'],
      ['--diff', 'write nothing; print what would change'],
    ],
    async () => (await import('./commands/generate.ts')).run,
  );
  command(program, 'check', 'what is wrong with the spec, with line and column', [], async () => (await import('./commands/check.ts')).run);
  command(
    program,
    'show',
    'who may call what',
    [['--resolved', 'the long form of the spec, every default filled in']],
    async () => (await import('./commands/show.ts')).run,
  );
  command(
    program,
    'prepare',
    'make what is missing in private/run; replaces nothing',
    [],
    async () => (await import('./commands/prepare.ts')).run,
  );
  command(
    program,
    'ask <request...>',
    "what the gateway answers, and the line of the spec behind it: ask 'POST /v1/chat/completions' --as ci-bot",
    [
      ['--as <client>', 'with every live credential of this client'],
      ['--with <methods>', 'only these of them: apiKey, basic, mtls, or none'],
      ['--from <address>', 'from this address'],
      ['--origin <origin>', 'from a page of this origin'],
      ['--host <host>', 'with this Host'],
      ['--bytes <n>', 'with a body of this size'],
      ['--http', 'over http'],
    ],
    async () => (await import('./commands/ask.ts')).run,
  );

  group('client', 'the callers of the gateway', (client) => {
    command(
      client,
      'add <name>',
      'one step a person: spec, credentials, output, a note to hand over',
      [
        ['--role <role>', 'the role'],
        ['--key', 'make an API key'],
        ['--cert', 'issue a client certificate'],
        ['--password', 'make a password'],
        ['--expires <life>', 'life of the key, such as 365d, or never'],
        ['--days <n>', 'days of the certificate'],
      ],
      async () => (await import('./commands/client.ts')).add as Run,
    );
    command(client, 'list', 'clients and what they have', [], async () => (await import('./commands/client.ts')).list as Run);
    command(
      client,
      'remove <name>',
      'remove a client and revoke all it has',
      [],
      async () => (await import('./commands/client.ts')).remove as Run,
    );
    command(
      client,
      'snippet <name>',
      'a program that calls the gateway',
      [['--for <tool>', 'curl (the default), openai-python or httpx']],
      async () => (await import('./commands/client.ts')).snippet as Run,
    );
  });
  group('key', 'API keys', (key) => {
    command(
      key,
      'create <client>',
      'a new key, alone on standard output',
      [
        ['--expires <life>', 'such as 365d, or never'],
        ['--note <text>', 'what it is for'],
      ],
      async () => (await import('./commands/key.ts')).create as Run,
    );
    command(key, 'list', 'all keys', [], async () => (await import('./commands/key.ts')).list as Run);
    command(
      key,
      'revoke <client> [id]',
      'revoke the only live key, one by its id, or all',
      [['--all', 'all keys of the client']],
      async () => (await import('./commands/key.ts')).revoke as Run,
    );
  });
  group('password', 'passwords for basic auth', (password) => {
    command(
      password,
      'set <client>',
      'set a password',
      [
        ['--password-stdin', 'read it from standard input'],
        ['--generate', 'make one and print it'],
      ],
      async () => (await import('./commands/password.ts')).set as Run,
    );
    command(password, 'remove <client>', 'remove a password', [], async () => (await import('./commands/password.ts')).remove as Run);
  });
  group('upstream', 'the servers behind the gateway', (upstream) => {
    command(
      upstream,
      'key <model>',
      'set the key that the server of a model asks for',
      [
        ['--key-stdin', 'read it from standard input'],
        ['--generate', 'make one, for a vLLM that we run'],
      ],
      async () => (await import('./commands/upstream.ts')).key as Run,
    );
  });
  group('ca', 'the CA that issues client certificates', (ca) => {
    command(ca, 'init', 'make it; it is never overwritten', [], async () => (await import('./commands/certificates.ts')).initCa as Run);
  });
  group('cert', 'client certificates', (cert) => {
    command(
      cert,
      'issue <client>',
      'issue a certificate; prints the file that holds key and certificate',
      [['--days <n>', 'days it is valid, 90 by default']],
      async () => (await import('./commands/certificates.ts')).issue as Run,
    );
    command(cert, 'list', 'all certificates', [], async () => (await import('./commands/certificates.ts')).list as Run);
    command(
      cert,
      'revoke <client> [serial]',
      'revoke the only live certificate, one by its serial, or all',
      [['--all', 'all certificates of the client']],
      async () => (await import('./commands/certificates.ts')).revoke as Run,
    );
  });
  command(
    program,
    'try',
    'the generated gateway on this machine with a vLLM double, until Ctrl-C',
    [],
    async () => (await import('./commands/try.ts')).run,
  );
  command(program, 'test', 'the truth table of this spec, on a real engine', [], async () => (await import('./commands/test.ts')).run);
  command(
    program,
    'verify <url>',
    'what a running server answers without a credential',
    [
      ['--ca <file>', 'a CA to trust'],
      ['--yes-i-own-it', 'for a public address without a spec'],
    ],
    async () => (await import('./commands/verify.ts')).run as Run,
  );
  command(
    program,
    'routes',
    'the routes of vLLM, and what its own key leaves open',
    [],
    async () => (await import('./commands/reference.ts')).routes as Run,
  );
  command(program, 'explain <code>', 'what a problem code means', [], async () => (await import('./commands/reference.ts')).explain as Run);
  command(
    program,
    'schema',
    'the JSON Schema of the spec, for editors',
    [],
    async () => (await import('./commands/reference.ts')).schema as Run,
  );
  command(
    program,
    'reference',
    'every key of the spec, commented',
    [],
    async () => (await import('./commands/reference.ts')).reference as Run,
  );
}

/** Help and version. Written to the descriptor, because a stream for standard output costs some milliseconds to make. */
function print(text: string): void {
  try {
    writeSync(1, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

async function main(): Promise<number> {
  const { version } = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string };
  let code = 0;
  const program = new Command('gatewright');
  addCommands(program, version, (result) => {
    code = result;
  });
  try {
    await program.parseAsync();
    return code;
  } catch (error) {
    return report(error);
  }
}

async function report(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  const { ProblemError } = await import('./problems/problem.ts');
  if (error instanceof ProblemError) {
    const { printProblems } = await import('./problems/print.ts');
    const { exitCodeOf } = await import('./problems/exit.ts');
    process.stderr.write(`${printProblems(error.problems)}\n`);
    return exitCodeOf(error.problems);
  }
  if (error instanceof Error && error.name === 'ExitPromptError') {
    process.stderr.write('\ninterrupted; nothing was written\n');
    return INTERRUPTED;
  }
  process.stderr.write(`This is a bug in Gatewright, not a mistake of yours.\n${error instanceof Error ? error.stack : String(error)}\n`);
  return BUG;
}

void main().then((code) => {
  process.exitCode = code;
});
