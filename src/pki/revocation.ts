import { createPublicKey } from 'node:crypto';
import { type Issuer, extension, keyId, signatureAlgorithm, signed, subjectOf } from './certificate.ts';
import { encode, integer, pem, sequence, tagged, time } from './der.ts';

export interface RevokedCertificate {
  readonly serial: Uint8Array;
  readonly at: Date;
}

/** How long a CRL is valid. Our engines do not need it; it is published for others. */
const CRL_DAYS = 30;

/** A v2 CRL (RFC 5280 section 5) as PEM. `number` must grow from one CRL to the next. */
export function buildCrl(issuer: Issuer, revoked: readonly RevokedCertificate[], number: number, now: Date): string {
  const numberBytes = Buffer.from(number.toString(16).padStart(8, '0'), 'hex');
  const stripped = numberBytes.subarray(numberBytes.findIndex((b) => b !== 0) < 0 ? 3 : numberBytes.findIndex((b) => b !== 0));
  const tbs = sequence(
    integer(Uint8Array.of(1)),
    signatureAlgorithm(),
    subjectOf(issuer.certificate),
    time(new Date(now.getTime() - 60_000)),
    time(new Date(now.getTime() + CRL_DAYS * 86_400_000)),
    ...(revoked.length > 0 ? [sequence(...revoked.map((r) => sequence(integer(r.serial), time(r.at))))] : []),
    tagged(0, true, [
      sequence(
        extension('2.5.29.35', false, sequence(tagged(0, false, Buffer.from(keyId(createPublicKey(issuer.key))).toString('binary')))),
        extension('2.5.29.20', false, integer(stripped)),
      ),
    ]),
  );
  return pem('X509 CRL', encode(signed(tbs, issuer.key)));
}
