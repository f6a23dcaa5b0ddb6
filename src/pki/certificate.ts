import { createHash, createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { addressHex } from '../gateway/address.ts';
import { bits, boolean, type Der, decode, encode, integer, octets, oid, pem, sequence, set, tagged, time, utf8 } from './der.ts';

/** Clocks of clients differ; a certificate made now must be valid there too. */
const BACKDATE_MS = 15 * 60_000;

export interface Profile {
  readonly kind: 'ca' | 'client' | 'server';
  readonly commonName: string;
  /** DNS names and addresses; for a server. */
  readonly names?: readonly string[];
  readonly days: number;
}

export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

export interface IssueInput {
  readonly profile: Profile;
  /** The subject's public key. */
  readonly publicKey: KeyObject;
  /** Null for a certificate that signs itself with `key`. */
  readonly issuer: Issuer | null;
  readonly key: KeyObject;
  readonly now: Date;
  readonly serial: Uint8Array;
}

/** A serial of 16 bytes: positive, of fixed length, 126 random bits (RFC 5280 section 4.1.2.2 wants at most 20 bytes). */
export function newSerial(random: (size: number) => Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** An X.509 v3 certificate as PEM, signed with ECDSA and SHA-256. */
export function issueCertificate({ profile, publicKey, issuer, key, now, serial }: IssueInput): string {
  const subject = name(profile.commonName);
  const issuerName = issuer ? subjectOf(issuer.certificate) : subject;
  const notBefore = new Date(now.getTime() - BACKDATE_MS);
  const notAfter = new Date(now.getTime() + profile.days * 86_400_000);
  const tbs = sequence(
    tagged(0, true, [integer(Uint8Array.of(2))]),
    integer(serial),
    ECDSA_SHA256,
    issuerName,
    sequence(time(notBefore), time(notAfter)),
    subject,
    decode(publicKey.export({ type: 'spki', format: 'der' })),
    tagged(3, true, [sequence(...extensions(profile, publicKey, issuer?.key ? createPublicKey(issuer.key) : publicKey))]),
  );
  return pem('CERTIFICATE', encode(signed(tbs, issuer?.key ?? key)));
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/** RFC 5280 section 4.1.1: the signed thing, the algorithm, the signature. Also the shape of a CRL. */
export function signed(tbs: Der, key: KeyObject): Der {
  return sequence(tbs, ECDSA_SHA256, bits(sign('sha256', encode(tbs), key)));
}

export const signatureAlgorithm = (): Der => ECDSA_SHA256;

function name(commonName: string): Der {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

/** The issuer's name must be byte-equal to its subject (RFC 5280 section 7.1), so it is taken from its DER. */
export function subjectOf(certificate: X509Certificate): Der {
  const tbs = (decode(certificate.raw).value as Der[])[0];
  const fields = (tbs?.value as Der[]) ?? [];
  const subject = fields[5];
  if (!subject) throw new Error('the certificate has no subject');
  return subject;
}

function extensions(profile: Profile, publicKey: KeyObject, issuerKey: KeyObject): Der[] {
  const ca = profile.kind === 'ca';
  const usage = ca ? 0b0000_0110 : 0b1000_0000; // keyCertSign and cRLSign; digitalSignature
  const list = [
    extension('2.5.29.19', true, ca ? sequence(boolean(true), integer(Uint8Array.of(0))) : sequence()),
    extension('2.5.29.15', true, bits(Uint8Array.of(usage), ca ? 1 : 7)),
    extension('2.5.29.14', false, octets(keyId(publicKey))),
    extension('2.5.29.35', false, sequence(tagged(0, false, Buffer.from(keyId(issuerKey)).toString('binary')))),
  ];
  if (profile.kind === 'client') list.push(extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.2'))));
  if (profile.kind === 'server') {
    list.push(extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))));
    list.push(extension('2.5.29.17', false, sequence(...(profile.names ?? []).map(generalName))));
  }
  return list;
}

export function extension(id: string, critical: boolean, value: Der): Der {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(encode(value)));
}

function generalName(text: string): Der {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  const version = isIP(bare);
  if (version === 0) return tagged(2, false, text);
  const hex = addressHex(bare) ?? '';
  return tagged(7, false, Buffer.from(version === 4 ? hex.slice(24) : hex, 'hex').toString('binary'));
}

/** RFC 7093 method 1: the first 20 bytes of the SHA-256 of the key's bits. */
export function keyId(key: KeyObject): Uint8Array {
  const spki = decode(key.export({ type: 'spki', format: 'der' }));
  const bitString = (spki.value as Der[])[1]?.value as string;
  return createHash('sha256')
    .update(Buffer.from(bitString.slice(1), 'binary'))
    .digest()
    .subarray(0, 20);
}

/** Fingerprints of the DER in lower-case hex: SHA-256 is the identity, SHA-1 is what nginx can see. */
export function fingerprints(certificate: X509Certificate): { sha256: string; sha1: string } {
  const hex = (algorithm: string): string => createHash(algorithm).update(certificate.raw).digest('hex');
  return { sha256: hex('sha256'), sha1: hex('sha1') };
}
