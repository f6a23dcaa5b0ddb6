import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { stop } from '../problems/problem.ts';

/*
 * All state goes through this file: one lock a project, writes that are whole or not there.
 * A file is written beside its place with its mode from the start, synced, and renamed; `create` uses link(2) instead,
 * which fails when the place is taken, so that a key of a CA can never be overwritten.
 */

const PRIVATE_DIR = 0o700;
const LOCK_WAIT_MS = 10_000;

/** Replaces or creates a file; a reader sees the old or the new content, never a part. */
export function writeAtomic(path: string, content: string | Uint8Array, mode: number): void {
  withTemporary(path, content, mode, (temporary) => renameSync(temporary, path));
}

/** Creates a file; a taken place is an error and stays as it is. */
export function createOnce(path: string, content: string | Uint8Array, mode: number): void {
  withTemporary(path, content, mode, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw stop('exists-already', `${path} exists and is never overwritten`);
      throw error;
    } finally {
      unlinkSync(temporary);
    }
  });
}

/** Makes a link, unless there is one already that says the same. */
export function linkOnce(path: string, target: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })) {
      if (readlinkSync(path) === target) return;
      unlinkSync(path);
    }
    symlinkSync(target, path);
  } catch (error) {
    throw asProblem(error, path);
  }
}

function withTemporary(path: string, content: string | Uint8Array, mode: number, place: (temporary: string) => void): void {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    place(temporary);
    syncDirectory(dirname(path));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // Where the folder is no folder, there is nothing to clean up.
    }
    throw asProblem(error, path);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A folder that only its owner enters. */
export function makePrivateDirectory(path: string): void {
  makeDirectory(path, PRIVATE_DIR);
}

export function makeDirectory(path: string, mode = 0o755): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw asProblem(error, path);
  }
}

/** The text of a file, or null when it is not there. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw stop('cannot-read', `${path} cannot be read: ${(error as Error).message}`);
  }
}

/** Reads a JSON file as what `parse` makes of it; null when it is not there. Anything unexpected is `store-corrupt`. */
export function readJson<T>(path: string, parse: (value: unknown) => T): T | null {
  const text = readText(path);
  if (text === null) return null;
  try {
    return parse(JSON.parse(text));
  } catch (error) {
    throw stop(
      'store-corrupt',
      `${path} is not what it should be: ${(error as Error).message}`,
      'restore it from version control; nothing was changed',
    );
  }
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** Names in a folder, sorted; none when it is not there. */
export function listDirectory(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

export function moveFile(from: string, to: string): void {
  renameSync(from, to);
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

/** Permission bits of a file, or null when it is not there. */
export function fileMode(path: string): number | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat ? stat.mode & 0o777 : null;
}

function asProblem(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'a part of the path is a file',
    ENOSPC: 'the disk is full',
    EISDIR: 'it is a folder',
    EPERM: 'not permitted',
    ENOENT: 'the folder is not there',
  };
  return code && reasons[code] ? stop('cannot-write', `${path} cannot be written: ${reasons[code]}`) : error;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly nonce: string;
}

/**
 * Runs `work` while no other command of this project does. The lock is a fully written file put in place by link(2), so it
 * is never half there. A holder that died on this machine is taken over: the removal is claimed by a second file named after
 * the dead holder, so that of several takers only one removes, and only what it looked at. Another machine's lock is left alone.
 */
export function withLock<T>(directory: string, work: () => T, now: () => number = Date.now): T {
  makePrivateDirectory(directory);
  const path = join(directory, '.lock');
  const mine: Holder = { pid: process.pid, host: hostname(), nonce: randomBytes(8).toString('hex') };
  const until = now() + LOCK_WAIT_MS;
  while (!tryLock(path, mine)) {
    const holder = readHolder(path);
    if (holder && holder.host === mine.host && !isAlive(holder.pid)) takeOver(path, holder);
    else if (now() > until)
      throw stop(
        'store-locked',
        `another command holds ${path}${holder ? ` (process ${holder.pid} on ${holder.host})` : ''}`,
        'wait for it; if no such process exists, remove the file',
      );
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  try {
    return work();
  } finally {
    if (readHolder(path)?.nonce === mine.nonce) rmSync(path, { force: true });
  }
}

function tryLock(path: string, holder: Holder): boolean {
  try {
    createOnce(path, JSON.stringify(holder), 0o600);
    return true;
  } catch (error) {
    if (existsSync(path)) return false;
    // Released between the link and the look: simply try again.
    if ((error as { problems?: { code: string }[] }).problems?.[0]?.code === 'exists-already') return false;
    throw error;
  }
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function takeOver(path: string, dead: Holder): void {
  const claim = `${path}.${dead.nonce}`;
  try {
    closeSync(openSync(claim, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  } catch {
    return; // Another process is removing it.
  }
  try {
    if (readHolder(path)?.nonce === dead.nonce) rmSync(path, { force: true });
  } finally {
    rmSync(claim, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
