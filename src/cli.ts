import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { buildProgram } from './commands/index.ts';
import { ProblemError } from './problems/problem.ts';

/*
 * argv → command. The only catch-all and the only exit code. Commands are imported when they are called,
 * so that what is not used costs nothing at start.
 */

const USAGE = 2;
const BUG = 70;
const INTERRUPTED = 130;
async function main(): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  let code = 0;
  const program = buildProgram(version, (result) => {
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
  if (error instanceof ProblemError) {
    const { printProblems } = await import('./problems/print.ts');
    process.stderr.write(`${printProblems(error.problems)}\n`);
    const { exitCodeOf } = await import('./problems/exit.ts');
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
process.exitCode = await main();
