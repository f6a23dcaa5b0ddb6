import { createPublicKey, type KeyObject } from 'node:crypto';
import { isAbsolute, join, relative } from 'node:path';
import { readText } from './credentials/store.ts';
import { JWT_ALGORITHMS, type JwtAlgorithm, type JwtKey } from './gateway/token.ts';

export interface ReadKeys {
  readonly keys: readonly JwtKey[];
  /** Shared secrets, by the number that a key has in its place. */
  readonly secrets: readonly Buffer[];
  /** What is wrong with the file, and how to mend it. */
  readonly problems: readonly { readonly message: string; readonly hint?: string }[];
}

/** RFC 7518 section 3.2: a key of at least the size of the hash. */
const MIN_SECRET: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
const MIN_RSA_BITS = 2048;

/** Reads a JWKS or PEM file below the project. A file with shared secrets must lie in private/, as whoever reads it can sign. */
export function readJwtKeys(project: string, path: string): ReadKeys {
  const file = isAbsolute(path) ? path : join(project, path);
  const bad = (message: string, hint?: string): ReadKeys => ({ keys: [], secrets: [], problems: [{ message, ...(hint ? { hint } : {}) }] });
  const text = readText(file);
  if (text === null) return bad(`${path} is not there`, "save the identity provider's JWKS in it, or its public key as PEM");
  if (text.includes('-----BEGIN')) return fromPem(text, path);
  let entries: unknown;
  try {
    entries = (JSON.parse(text) as { keys?: unknown }).keys;
  } catch {
    return bad(`${path} is neither a JWKS nor PEM`);
  }
  if (!Array.isArray(entries)) return bad(`${path} is JSON without a list "keys", so it is no JWKS`);
  return fromJwks(entries as Record<string, unknown>[], path, relative(join(project, 'private'), file).startsWith('..'));
}

function fromPem(text: string, path: string): ReadKeys {
  if (text.includes('PRIVATE KEY'))
    return {
      keys: [],
      secrets: [],
      problems: [{ message: `${path} holds a private key; a gateway needs the public one`, hint: 'openssl pkey -pubout' }],
    };
  const blocks = text.match(/-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----[\s\S]+?-----END (?:PUBLIC KEY|CERTIFICATE)-----/g) ?? [];
  const found = blocks.map((block) => publicKey(() => createPublicKey(block), undefined, null, path));
  if (found.length === 0) return { keys: [], secrets: [], problems: [{ message: `${path} holds no public key` }] };
  return {
    keys: found.flatMap((one) => ('key' in one ? [one.key] : [])),
    secrets: [],
    problems: found.flatMap((one) => ('key' in one ? [] : [one])),
  };
}

function fromJwks(entries: readonly Record<string, unknown>[], path: string, open: boolean): ReadKeys {
  const keys: JwtKey[] = [];
  const secrets: Buffer[] = [];
  const problems: { message: string; hint?: string }[] = [];
  for (const [i, entry] of entries.entries()) {
    // Keys for encryption stand in many a JWKS; they sign nothing.
    if (entry.use === 'enc') continue;
    const place = `keys[${i}] of ${path}`;
    const kid = typeof entry.kid === 'string' && entry.kid !== '' ? entry.kid : null;
    if (entry.kty !== 'oct') {
      if (entry.d !== undefined) {
        problems.push({
          message: `${place} holds a private key; a gateway needs the public one`,
          hint: 'remove its private part, and do not commit it',
        });
        continue;
      }
      const one = publicKey(() => createPublicKey({ key: entry as never, format: 'jwk' }), entry.alg, kid, place);
      if ('key' in one) keys.push(one.key);
      else problems.push(one);
      continue;
    }
    const alg = entry.alg ?? 'HS256';
    const value = Buffer.from(typeof entry.k === 'string' ? entry.k : '', 'base64url');
    const least = MIN_SECRET[String(alg)];
    if (open) problems.push({ message: `${place} is a shared secret, and whoever reads it can sign`, hint: `move ${path} below private/` });
    else if (least === undefined) problems.push({ message: `${place}: ${String(alg)} is no algorithm of a shared secret` });
    else if (value.length < least)
      problems.push({ message: `${place} has ${value.length} bytes; ${String(alg)} needs ${least} (RFC 7518 section 3.2)` });
    else keys.push({ kid, alg: alg as JwtAlgorithm, spki: null, secret: secrets.push(value) - 1 });
  }
  if (keys.length === 0 && problems.length === 0) problems.push({ message: `${path} holds no key that signs` });
  return { keys, secrets, problems };
}

function publicKey(read: () => KeyObject, wanted: unknown, kid: string | null, place: string): { key: JwtKey } | { message: string } {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    return { message: `${place} is not a key` };
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const kind =
    type === 'rsa'
      ? 'RSA'
      : type === 'ed25519'
        ? 'Ed25519'
        : details?.namedCurve === 'prime256v1'
          ? 'P-256'
          : details?.namedCurve === 'secp384r1'
            ? 'P-384'
            : null;
  if (kind === null) return { message: `${place} is of a kind that no algorithm here signs with` };
  if (kind === 'RSA' && (details?.modulusLength ?? 0) < MIN_RSA_BITS)
    return { message: `${place} is an RSA key of less than ${MIN_RSA_BITS} bits` };
  const usual = Object.entries(JWT_ALGORITHMS).find(([, one]) => one.kind === kind)?.[0];
  const alg = wanted ?? usual;
  if (!Object.entries(JWT_ALGORITHMS).some(([name, one]) => name === alg && one.kind === kind))
    return { message: `${place}: ${String(alg)} is not an algorithm of such a key` };
  return { key: { kid, alg: alg as JwtAlgorithm, spki: key.export({ format: 'der', type: 'spki' }).toString('base64'), secret: null } };
}
