import { fork, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createOnce, makePrivateDirectory, readJson, withLock, writeAtomic } from '../../src/credentials/store.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'gatewright-store-'));

describe('the store', () => {
  test('writes with the mode it says, also over a file that was looser', () => {
    const path = join(folder(), 'x');
    writeFileSync(path, 'old', { mode: 0o644 });
    writeAtomic(path, 'new', 0o600);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('creates once', () => {
    const dir = folder();
    createOnce(join(dir, 'ca'), 'first', 0o600);
    expect(() => createOnce(join(dir, 'ca'), 'second', 0o600)).toThrow(/never overwritten/);
    expect(readFileSync(join(dir, 'ca'), 'utf8')).toBe('first');
    expect(readdirSync(dir)).toEqual(['ca']);
  });

  test('a corrupt file is named and left alone', () => {
    const path = join(folder(), 'keys.json');
    writeFileSync(path, '{"version":');
    expect(() => readJson(path, (value) => value)).toThrow(/not what it should be/);
    expect(readFileSync(path, 'utf8')).toBe('{"version":');
  });

  test('an unwritable place leaves nothing behind', () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    expect(() => writeAtomic(join(dir, 'file', 'x'), 'y', 0o600)).toThrow(/a part of the path is a file/);
    expect(() => writeAtomic(join(dir, 'none', 'x'), 'y', 0o600)).toThrow(/the folder is not there/);
    expect(readdirSync(dir)).toEqual(['file']);
  });

  test('a private folder stays private', () => {
    const dir = join(folder(), 'private');
    makePrivateDirectory(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  test('a lock of a process that died is taken over', () => {
    const dir = folder();
    chmodSync(dir, 0o700);
    withLock(dir, () => {
      const holder = JSON.parse(readFileSync(join(dir, '.lock'), 'utf8')) as { pid: number };
      expect(holder.pid).toBe(process.pid);
    });
    expect(existsSync(join(dir, '.lock'))).toBe(false);
  });

  test('six processes, killed at random, lose no update and never meet inside', async () => {
    const dir = folder();
    const [index, violations] = [join(dir, 'index.json'), join(dir, 'violations')];
    writeFileSync(index, '[]');
    const worker = join(import.meta.dirname, '..', 'support', 'lock-worker.js');
    let started = 0;
    let killed = 0;
    const run = (): Promise<void> =>
      new Promise((resolve) => {
        started++;
        const child: ChildProcess = fork(worker, [dir], { execArgv: [], stdio: 'ignore' });
        const timer = setTimeout(() => (killed += child.kill('SIGKILL') ? 1 : 0), 150 + Math.random() * 700);
        child.on('exit', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let i = 0; i < 3; i++) await run();
      }),
    );
    const entries = JSON.parse(readFileSync(index, 'utf8')) as string[];
    expect(existsSync(violations) ? readFileSync(violations, 'utf8') : '').toBe('');
    expect(new Set(entries).size).toBe(entries.length);
    // What a worker says it has written is there: none was lost to another one.
    const claimed = readdirSync(dir)
      .filter((name) => name.startsWith('done-'))
      .flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').filter(Boolean));
    expect(claimed.filter((entry) => !entries.includes(entry))).toEqual([]);
    expect(claimed.length).toBeGreaterThan(20);
    expect(killed).toBeGreaterThan(0);
    expect(started).toBe(18);
  });
});
