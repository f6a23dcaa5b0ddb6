import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addCommands } from './commands/tree.cts';

/*
 * argv → command. The only catch-all and the only exit code. Commands are imported when they are called, so that what is
 * not used costs nothing at start. This file and the tree of commands are CommonJS, because starting the loader of ES
 * modules costs a quarter of bare `node`; everything behind them is ES modules (docs/decisions/0006).
 */

const USAGE = 2;
const BUG = 70;
const INTERRUPTED = 130;

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

// A reader that stops early (`| head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : BUG));
void main().then((code) => {
  process.exitCode = code;
});
