import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { chooseLive, type Which } from '../credentials/choose.ts';
import type { StatePaths } from '../credentials/paths.ts';
import { addRevocations, readRevocations, revokedIds } from '../credentials/revocations.ts';
import { createOnce, fileExists, makeDirectory, makePrivateDirectory, moveFile, readText, writeAtomic } from '../credentials/store.ts';
import { stop } from '../problems/problem.ts';
import { fingerprints, type Issuer, issueCertificate, newSerial, type Profile } from './certificate.ts';
import { type AuthorityName, certificatePath, hasAuthority, readIndex, type StoredCertificate, writeIndex } from './inventory.ts';
import { buildCrl } from './revocation.ts';

type RandomBytes = (size: number) => Uint8Array;
export interface Tools {
  readonly now: Date;
  readonly random: RandomBytes;
}

const CA_DAYS = 3650;
/** The longest life that browsers accept of a server certificate is 398 days. */
const SERVER_DAYS = 397;

const keyPath = (paths: StatePaths, name: AuthorityName): string => join(paths.caKeys, `${name}.key`);
const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Makes an authority (P-256, path length 0). It can never be overwritten. */
export function createAuthority(paths: StatePaths, name: AuthorityName, { now, random }: Tools): X509Certificate {
  if (fileExists(certificatePath(paths, name)) || fileExists(keyPath(paths, name)))
    throw stop('exists-already', `there is a CA for ${name} already: ${certificatePath(paths, name)}`, 'it is never overwritten');
  makePrivateDirectory(paths.caKeys);
  makeDirectory(paths.caFiles);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = issueCertificate({
    profile: { kind: 'ca', commonName: `Gatewright CA for ${name}`, days: CA_DAYS },
    publicKey,
    issuer: null,
    key: privateKey,
    now,
    serial: newSerial(random),
  });
  // The key first: a certificate without its key would look like a CA that cannot sign.
  createOnce(keyPath(paths, name), privatePem(privateKey), 0o600);
  createOnce(certificatePath(paths, name), pem, 0o644);
  if (name === 'clients') refreshCrl(paths, now);
  return new X509Certificate(pem);
}

function openAuthority(paths: StatePaths, name: AuthorityName): Issuer {
  const certificate = readText(certificatePath(paths, name));
  const key = readText(keyPath(paths, name));
  if (certificate === null)
    throw stop('missing-ca', `there is no CA for ${name}`, name === 'clients' ? 'gatewright ca init' : 'gatewright prepare');
  if (key === null)
    throw stop(
      'missing-ca',
      `the key of the CA for ${name} is not on this machine: ${keyPath(paths, name)}`,
      'issue on the machine that made the CA; the key never leaves it',
    );
  try {
    const issuer = { certificate: new X509Certificate(certificate), key: createPrivateKey(key) };
    if (!issuer.certificate.checkPrivateKey(issuer.key)) throw new Error('the key does not belong to the certificate');
    return issuer;
  } catch (error) {
    throw stop(
      'store-corrupt',
      `the CA for ${name} cannot be used: ${(error as Error).message}`,
      'restore it from a backup; nothing was changed',
    );
  }
}

export interface IssuedCertificate {
  readonly stored: StoredCertificate;
  /** The folder with cert.pem, key.pem, and client.pem, which holds both. */
  readonly folder: string;
}

/**
 * Issues a client certificate. Write-ahead: the index knows the serial before anything is signed, so that a crash leaves
 * a pending entry that can be revoked, never a live certificate that nobody knows.
 */
export function issueClientCertificate(paths: StatePaths, client: string, days: number, { now, random }: Tools): IssuedCertificate {
  const issuer = openAuthority(paths, 'clients');
  const notAfter = new Date(now.getTime() + days * 86_400_000);
  if (notAfter > new Date(issuer.certificate.validTo))
    throw stop('invalid-value', `the certificate would outlive its CA, which ends ${issuer.certificate.validTo}`);
  const serial = newSerial(random);
  const pending: StoredCertificate = {
    serial: Buffer.from(serial).toString('hex').toUpperCase(),
    client,
    sha256: '',
    sha1: '',
    notAfter: notAfter.toISOString(),
    created: now.toISOString(),
    status: 'pending',
  };
  const before = readIndex(paths);
  writeIndex(paths, { ...before, certificates: [...before.certificates, pending] });

  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = issueCertificate({ profile: { kind: 'client', commonName: client, days }, publicKey, issuer, key: privateKey, now, serial });
  const folder = join(paths.issued, client);
  makePrivateDirectory(folder);
  makeDirectory(paths.certificateFiles);
  const key = privatePem(privateKey);
  keepEarlier(folder);
  createOnce(join(paths.certificateFiles, `${pending.serial}.pem`), pem, 0o644);
  writeAtomic(join(folder, 'key.pem'), key, 0o600);
  writeAtomic(join(folder, 'cert.pem'), pem, 0o600);
  writeAtomic(join(folder, 'client.pem'), key + pem, 0o600);

  const stored: StoredCertificate = { ...pending, ...fingerprints(new X509Certificate(pem)), status: 'valid' };
  writeIndex(paths, { ...before, certificates: [...before.certificates, stored] });
  return { stored, folder };
}

/** An earlier certificate of the client goes into a folder named by its serial: it may still be in use. */
function keepEarlier(folder: string): void {
  const earlier = readText(join(folder, 'cert.pem'));
  if (earlier === null) return;
  const place = join(folder, new X509Certificate(earlier).serialNumber.toUpperCase());
  makePrivateDirectory(place);
  for (const name of ['cert.pem', 'key.pem', 'client.pem'])
    if (fileExists(join(folder, name))) moveFile(join(folder, name), join(place, name));
}

/** Revokes in one step: the revocation is recorded first, the CRL follows from it. */
export function revokeCertificates(paths: StatePaths, client: string, which: Which, now: Date): StoredCertificate[] {
  const revoked = revokedIds(paths, 'certificate');
  const live = readIndex(paths).certificates.filter((c) => c.client === client && !revoked.has(c.serial));
  const chosen = chooseLive(live, which, (c) => c.serial, { client, what: 'certificate' });
  addRevocations(
    paths,
    chosen.map((c) => ({ kind: 'certificate' as const, id: c.serial, client, at: now.toISOString() })),
  );
  if (fileExists(keyPath(paths, 'clients'))) refreshCrl(paths, now);
  return chosen;
}

/** Writes the CRL from the recorded revocations, with the next number. */
function refreshCrl(paths: StatePaths, now: Date): void {
  const issuer = openAuthority(paths, 'clients');
  const before = readIndex(paths);
  const revoked = readRevocations(paths).filter((r) => r.kind === 'certificate');
  const next = { ...before, crlNumber: before.crlNumber + 1 };
  writeIndex(paths, next);
  writeAtomic(
    paths.clientCrl,
    buildCrl(
      issuer,
      revoked.map((r) => ({ serial: Buffer.from(r.id, 'hex'), at: new Date(r.at) })),
      next.crlNumber,
      now,
    ),
    0o644,
  );
}

/** Makes the gateway's own certificate, and the CA that signs it where there is none. */
export function issueServerCertificate(paths: StatePaths, hosts: readonly string[], { now, random }: Tools): void {
  if (!hasAuthority(paths, 'server')) createAuthority(paths, 'server', { now, random });
  const issuer = openAuthority(paths, 'server');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const profile: Profile = { kind: 'server', commonName: (hosts[0] ?? 'gateway').slice(0, 64), names: hosts, days: SERVER_DAYS };
  const pem = issueCertificate({ profile, publicKey, issuer, key: privateKey, now, serial: newSerial(random) });
  makePrivateDirectory(join(paths.run, 'tls'));
  writeAtomic(paths.tlsKey, privatePem(privateKey), 0o600);
  writeAtomic(paths.tlsCert, pem, 0o600);
}

/** Names in the gateway's own certificate, or null when there is none. */
export function serverCertificateNames(paths: StatePaths): string[] | null {
  const text = readText(paths.tlsCert);
  if (text === null) return null;
  const names = new X509Certificate(text).subjectAltName ?? '';
  return names.split(', ').map((entry) => entry.replace(/^(?:DNS|IP Address):/, ''));
}
