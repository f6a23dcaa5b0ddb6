import { randomBytes } from 'node:crypto';
import { printProblems } from '../problems/print.ts';
import type { Problem } from '../problems/problem.ts';
import type { Tools } from '../pki/authority.ts';

/** Flags that every command has. */
export interface CommonOptions {
  readonly file: string;
  readonly output: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly input?: boolean;
  readonly quiet?: boolean;
}

/** Exit codes of the whole tool. */
export const EXIT = { ok: 0, failed: 1, usage: 2, expiring: 4, bug: 70, interrupted: 130 } as const;

/** stdout is data. */
export function out(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** stderr is talk. */
export function say(options: Pick<CommonOptions, 'quiet'>, text: string): void {
  if (!options.quiet) process.stderr.write(`${text}\n`);
}

export function sayProblems(problems: readonly Problem[]): void {
  if (problems.length > 0) process.stderr.write(`${printProblems(problems)}\n`);
}

/** Clock and randomness of a command. */
export function tools(): Tools {
  return { now: new Date(), random: (size) => randomBytes(size) };
}

/** From here on Ctrl-C ends the process with its own exit code, so that what was to be cleaned up at exit is. */
export function exitOnInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.interrupted));
}

/** Whether a question may be asked. */
export function mayAsk(options: Pick<CommonOptions, 'input'>): boolean {
  return options.input !== false && process.stdin.isTTY === true && process.stderr.isTTY === true && !process.env.CI;
}

/** All of standard input as text, without the last line end. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** A table with columns padded to their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
