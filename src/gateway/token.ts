import { constants, createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import type { TokenResult } from './request.ts';

/** How a signature is made (RFC 7518 section 3, RFC 8037). The key says which; a token can only agree. */
export const JWT_ALGORITHMS = {
  HS256: { kind: 'oct', hash: 'sha256' },
  HS384: { kind: 'oct', hash: 'sha384' },
  HS512: { kind: 'oct', hash: 'sha512' },
  RS256: { kind: 'RSA', hash: 'sha256' },
  RS384: { kind: 'RSA', hash: 'sha384' },
  RS512: { kind: 'RSA', hash: 'sha512' },
  PS256: { kind: 'RSA', hash: 'sha256' },
  ES256: { kind: 'P-256', hash: 'sha256' },
  ES384: { kind: 'P-384', hash: 'sha384' },
  EdDSA: { kind: 'Ed25519', hash: null },
} as const;
export type JwtAlgorithm = keyof typeof JWT_ALGORITHMS;

/** A key that signs tokens: a public one as SPKI in base64, or the number of a shared secret that lies in private/run. */
export interface JwtKey {
  readonly kid: string | null;
  readonly alg: JwtAlgorithm;
  readonly spki: string | null;
  readonly secret: number | null;
}

export interface JwtSettings {
  /** The file that the keys came from, or the URL that they are fetched from at run time, as the spec names it. */
  readonly source: string;
  readonly issuer: string;
  readonly audience: string;
  /** The claim that names the caller. */
  readonly client: string;
  /** The claim that holds the role, or null. */
  readonly roles: string | null;
  /** The role of a subject that brings none. */
  readonly role: string | null;
  readonly keys: readonly JwtKey[];
}

/** Whether the keys are fetched at run time; then there are none at generation. */
export function keysUrl(jwt: Pick<JwtSettings, 'source'>): string | null {
  return /^https?:/.test(jwt.source) ? jwt.source : null;
}

/** Clocks of an identity provider and a gateway differ by so much, in seconds. */
export const JWT_LEEWAY = 30;

/**
 * Whether a token of three base64url parts is one of ours, and whom it names (DECISION section 3, JWT). Claims are looked at
 * before the signature; a caller learns nothing from it, as every refusal reads the same.
 */
export function checkToken(jwt: JwtSettings, token: string, now: number, secretOf: (key: number) => Uint8Array): TokenResult {
  const no = (reason: string): TokenResult => ({ valid: false, reason });
  const parts = token.split('.');
  if (parts.some((part) => part.length % 4 === 1)) return no('token_form');
  const [header, claims] = parts.slice(0, 2).map(jsonObject);
  if (!header || !claims) return no('token_form');
  if ('crit' in header) return no('token_crit');
  if (typeof header.alg !== 'string') return no('token_algorithm');
  if ('kid' in header && typeof header.kid !== 'string') return no('token_key');
  const candidates = jwt.keys.filter(
    (key) => key.alg === header.alg && (header.kid === undefined || key.kid === null || key.kid === header.kid),
  );
  if (candidates.length === 0) return no('token_key');

  if (typeof claims.exp !== 'number' || now >= claims.exp + JWT_LEEWAY) return no('token_expired');
  if ('nbf' in claims && (typeof claims.nbf !== 'number' || now < claims.nbf - JWT_LEEWAY)) return no('token_early');
  if (claims.iss !== jwt.issuer) return no('token_issuer');
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.includes(jwt.audience)) return no('token_audience');
  const subject = claims[jwt.client];
  if (typeof subject !== 'string') return no('token_subject');

  const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
  const signature = Buffer.from(parts[2] ?? '', 'base64url');
  if (!candidates.some((key) => signatureHolds(key, signed, signature, secretOf))) return no('token_signature');
  return { valid: true, subject, roles: rolesOf(jwt.roles === null ? undefined : claims[jwt.roles]) };
}

/** A claim of another shape names no role at all, which is not the same as being absent. */
function rolesOf(claim: unknown): string | readonly string[] | null {
  if (claim === undefined) return null;
  if (typeof claim === 'string') return claim;
  return Array.isArray(claim) ? claim.filter((role): role is string => typeof role === 'string') : [];
}

/** JSON.parse takes the last of repeated names, as every gate does. */
function jsonObject(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function signatureHolds(key: JwtKey, signed: Buffer, signature: Buffer, secretOf: (key: number) => Uint8Array): boolean {
  const { hash, kind } = JWT_ALGORITHMS[key.alg];
  if (key.secret !== null) {
    const right = createHmac(hash ?? 'sha256', secretOf(key.secret))
      .update(signed)
      .digest();
    return right.length === signature.length && timingSafeEqual(right, signature);
  }
  const publicKey = createPublicKey({ key: Buffer.from(key.spki ?? '', 'base64'), format: 'der', type: 'spki' });
  if (kind === 'RSA') {
    const padding = key.alg === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
    return verify(hash, signed, { key: publicKey, ...padding }, signature);
  }
  return verify(hash, signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}
