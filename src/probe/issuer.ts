import { constants, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { JWT_ALGORITHMS, type JwtAlgorithm } from '../gateway/token.ts';

/** Stands for an identity provider: keys of its own, and tokens as anybody could write them. */
export interface TokenIssuer {
  /** The JWKS, with what a shared secret is. */
  readonly jwks: string;
  readonly algorithms: readonly JwtAlgorithm[];
  /** The public key of an algorithm as PEM: what a confused verifier might take for a secret. */
  publicPem(alg: JwtAlgorithm): string | null;
  /** A token with these claims. The header is what it should be, unless `header` says otherwise; `with` signs as another algorithm does. */
  sign(alg: JwtAlgorithm, claims: Readonly<Record<string, unknown>>, options?: SignOptions): string;
}

interface SignOptions {
  /** Merged into the header; a value of undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Another secret for an HMAC over the same bytes, instead of the key's own signature. */
  readonly hmac?: { readonly hash: string; readonly secret: string };
  /** A key of the same kind that is in no JWKS. */
  readonly stranger?: boolean;
  /** The payload as text, for what JSON.stringify would not write. */
  readonly payload?: string;
}

interface Pair {
  readonly publicKey: KeyObject | null;
  readonly privateKey: KeyObject | null;
  readonly secret: Buffer | null;
}

function makePair(alg: JwtAlgorithm): Pair {
  const { kind } = JWT_ALGORITHMS[alg];
  if (kind === 'oct') return { publicKey: null, privateKey: null, secret: randomBytes(64) };
  if (kind === 'RSA') return { ...generateKeyPairSync('rsa', { modulusLength: 2048 }), secret: null };
  if (kind === 'Ed25519') return { ...generateKeyPairSync('ed25519'), secret: null };
  return { ...generateKeyPairSync('ec', { namedCurve: kind }), secret: null };
}

// Making an RSA key takes a tenth of a second; a process needs each once.
const pairs = new Map<string, Pair>();
function pairOf(alg: JwtAlgorithm, whose: string): Pair {
  const name = `${whose} ${alg}`;
  const known = pairs.get(name) ?? makePair(alg);
  pairs.set(name, known);
  return known;
}

export function makeIssuer(algorithms: readonly JwtAlgorithm[]): TokenIssuer {
  const kidOf = (alg: JwtAlgorithm): string => `${alg.toLowerCase()}-1`;
  return {
    algorithms,
    jwks: JSON.stringify({
      keys: algorithms.map((alg) => {
        const { publicKey, secret } = pairOf(alg, 'ours');
        return {
          ...(publicKey ? publicKey.export({ format: 'jwk' }) : { kty: 'oct', k: secret?.toString('base64url') }),
          kid: kidOf(alg),
          alg,
          use: 'sig',
        };
      }),
    }),
    publicPem: (alg) => pairOf(alg, 'ours').publicKey?.export({ format: 'pem', type: 'spki' }).toString() ?? null,
    sign: (alg, claims, { header = {}, hmac, stranger = false, payload } = {}) => {
      const encode = (text: string): string => Buffer.from(text).toString('base64url');
      const signed = `${encode(JSON.stringify({ alg, kid: kidOf(alg), typ: 'JWT', ...header }))}.${encode(payload ?? JSON.stringify(claims))}`;
      const signature = hmac
        ? createHmac(hmac.hash, hmac.secret).update(signed).digest()
        : signatureOf(alg, pairOf(alg, stranger ? 'a stranger' : 'ours'), Buffer.from(signed));
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}

function signatureOf(alg: JwtAlgorithm, { privateKey, secret }: Pair, signed: Buffer): Buffer {
  const { hash } = JWT_ALGORITHMS[alg];
  if (!privateKey)
    return createHmac(hash ?? 'sha256', secret ?? '')
      .update(signed)
      .digest();
  const padding = alg === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return sign(hash, signed, { key: privateKey, dsaEncoding: 'ieee-p1363', ...padding });
}
