import { createHash } from 'node:crypto';
import { z } from 'zod';
import { chooseLive, type Which } from './choose.ts';
import type { StatePaths } from './paths.ts';
import { addRevocations, revokedIds } from './revocations.ts';
import { Secret } from './secret.ts';
import { readJson, writeAtomic } from './store.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_BYTES = 32;
/** 62^43 is just over 2^256. */
const SECRET_CHARS = 43;
const CHECKSUM_CHARS = 6;

const storedKey = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  client: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.iso.datetime(),
  expires: z.iso.datetime().nullable(),
  note: z.string().optional(),
});
const keyFile = z.strictObject({ version: z.literal(1), keys: z.array(storedKey) });

/** What is kept of a key: enough to recognise it, never the key. */
export type StoredKey = z.output<typeof storedKey>;
export type RandomBytes = (size: number) => Uint8Array;

/** A new key: `sk-`, 43 base62 characters (256 random bits), 6 of checksum, so that a typo or a leak can be told from noise. */
export function newKey(random: RandomBytes): Secret {
  const body = `sk-${base62(BigInt(`0x${Buffer.from(random(SECRET_BYTES)).toString('hex')}`), SECRET_CHARS)}`;
  return new Secret(body + checksum(body));
}

/** Whether a text is a key of ours, with the right checksum. */
export function isOwnKey(text: string): boolean {
  const body = text.slice(0, -CHECKSUM_CHARS);
  return new RegExp(`^sk-[0-9A-Za-z]{${SECRET_CHARS + CHECKSUM_CHARS}}$`).test(text) && checksum(body) === text.slice(-CHECKSUM_CHARS);
}

function checksum(body: string): string {
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return base62(BigInt(`0x${digest}`) % 62n ** BigInt(CHECKSUM_CHARS), CHECKSUM_CHARS);
}

function base62(value: bigint, size: number): string {
  let text = '';
  for (let rest = value; text.length < size; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text;
}

export function keyDigest(key: Secret): string {
  return createHash('sha256').update(key.reveal()).digest('hex');
}

/** All stored keys, revoked ones included. */
export function readKeys(paths: StatePaths): StoredKey[] {
  return readJson(paths.keys, (value) => keyFile.parse(value).keys) ?? [];
}

/** Keys that are not revoked; expired ones are still among them. */
export function liveKeys(paths: StatePaths): StoredKey[] {
  const revoked = revokedIds(paths, 'key');
  return readKeys(paths).filter((key) => !revoked.has(key.id));
}

export interface NewKey {
  readonly client: string;
  readonly created: Date;
  /** Null for a key without end. */
  readonly expires: Date | null;
  readonly note?: string;
}

/** Makes a key and stores its digest; the caller holds the lock. The secret is returned once and kept nowhere. */
export function createKey(paths: StatePaths, wanted: NewKey, random: RandomBytes): { secret: Secret; stored: StoredKey } {
  const secret = newKey(random);
  const stored: StoredKey = {
    id: Buffer.from(random(6)).toString('hex'),
    client: wanted.client,
    sha256: keyDigest(secret),
    created: wanted.created.toISOString(),
    expires: wanted.expires?.toISOString() ?? null,
    ...(wanted.note ? { note: wanted.note } : {}),
  };
  const keys = [...readKeys(paths), stored].sort((a, b) => (a.id < b.id ? -1 : 1));
  // One key a line, in the order of random ids, so that two branches rarely touch the same line.
  writeAtomic(paths.keys, `{"version":1,"keys":[\n${keys.map((key) => JSON.stringify(key)).join(',\n')}\n]}\n`, 0o644);
  return { secret, stored };
}

/** Revokes keys of a client: one by id, the only live one, or all. */
export function revokeKeys(paths: StatePaths, client: string, which: Which, at: Date): StoredKey[] {
  const live = liveKeys(paths).filter((key) => key.client === client);
  const chosen = chooseLive(live, which, (key) => key.id, { client, what: 'key' });
  addRevocations(
    paths,
    chosen.map((key) => ({ kind: 'key' as const, id: key.id, client, at: at.toISOString() })),
  );
  return chosen;
}
