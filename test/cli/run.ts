import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BIN = join(import.meta.dirname, '..', '..', 'bin', 'gatewright.js');

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export const folder = (): string => mkdtempSync(join(tmpdir(), 'gatewright-cli-'));

/**
 * The command line as a user calls it, without a terminal. `plain` takes root's right to write everywhere away, so that
 * the modes of files mean for root what they mean for anybody.
 */
export function gatewright(
  cwd: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string>; plain?: boolean } = {},
): Result {
  const drop =
    options.plain && process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'] : [];
  const [command = process.execPath, ...rest] = [...drop, process.execPath, BIN, ...args];
  const { status, stdout, stderr } = spawnSync(command, rest, {
    cwd,
    encoding: 'utf8',
    input: options.input ?? '',
    env: { ...process.env, NO_COLOR: '1', ...options.env },
  });
  return { code: status, out: stdout, err: stderr };
}

/** In a real terminal (util-linux `script`), answered with keys as they are waited for. */
export function inTerminal(
  cwd: string,
  args: readonly string[],
  keys: readonly { readonly when: RegExp; readonly send: string }[],
): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn('script', ['-qec', [process.execPath, BIN, ...args].join(' '), '/dev/null'], {
      cwd,
      env: { ...process.env, CI: '', TERM: 'xterm' },
    });
    let text = '';
    let at = 0;
    let next = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const key = keys[next];
      if (key?.when.test(text.slice(at))) {
        at = text.length;
        next++;
        setTimeout(() => child.stdin.write(key.send), 80);
      }
    });
    child.on('exit', (code) => resolve({ code, text }));
  });
}
