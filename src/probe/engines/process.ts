import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { stop } from '../../problems/problem.ts';
import { atExit } from '../at-exit.ts';

const START_MS = 20_000;
/** nobody: an engine that root starts in a test must not need root. */
const UNPRIVILEGED = 65_534;

export interface Launched {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** Who an engine runs as: the caller, or nobody when the caller is root. */
export function runAs(): { uid: number; gid: number } | null {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : null;
}

/** Starts a program that stays in the foreground and waits until the port accepts; its own words are the error when it does not. */
export async function launch(
  command: string,
  args: readonly string[],
  cwd: string,
  port: number,
  as = runAs(),
  /** What ends it when we are gone. At once, by default: what it writes meanwhile would stay behind. */
  last: (child: ChildProcess) => void = killGroup,
): Promise<Launched> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
    // A group of its own, so that a worker which hangs can be ended with its master.
    detached: true,
    ...(as ?? {}),
  });
  const ended = atExit(() => last(child));
  let text = '';
  let gone = false;
  const collect = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.on('exit', () => {
    ended();
    gone = true;
  });
  child.on('error', (error) => {
    gone = true;
    text += error.message;
  });
  const until = Date.now() + START_MS;
  while (!(await accepts(port))) {
    if (gone || Date.now() > until) {
      child.kill('SIGKILL');
      throw stop(
        /Address already in use/i.test(text) ? 'port-in-use' : 'engine-failed',
        `${command} did not start: ${text.trim() || 'no word from it'}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  // Somebody else may hold the port, while ours is still failing to bind.
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (gone) throw stop('engine-failed', `${command} did not start: ${text.trim()}`);
  return { child, output: () => text };
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => killGroup(child), 5000);
  await exited;
  clearTimeout(timer);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
