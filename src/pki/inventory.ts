import { z } from 'zod';
import type { StatePaths } from '../credentials/paths.ts';
import { revokedIds } from '../credentials/revocations.ts';
import { fileExists, readJson, writeAtomic } from '../credentials/store.ts';

/*
 * What was issued, without the means to issue: commands that only look need no key and no encoder.
 *
 * There are two authorities: one signs clients, one signs the gateway's own certificate, so that the trust store that
 * people install never contains the key that names callers.
 */
export type AuthorityName = 'clients' | 'server';

const storedCertificate = z.strictObject({
  serial: z.string().regex(/^[0-9A-F]{32}$/),
  client: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$|^$/),
  sha1: z.string().regex(/^[0-9a-f]{40}$|^$/),
  notAfter: z.iso.datetime(),
  created: z.iso.datetime(),
  status: z.enum(['pending', 'valid']),
});
const index = z.strictObject({ version: z.literal(1), crlNumber: z.int().min(0), certificates: z.array(storedCertificate) });
type Index = z.output<typeof index>;
export type StoredCertificate = z.output<typeof storedCertificate>;

/** Where the certificate of an authority lies. */
export function certificatePath(paths: StatePaths, name: AuthorityName): string {
  return name === 'clients' ? paths.clientCa : paths.serverCa;
}

export function hasAuthority(paths: StatePaths, name: AuthorityName): boolean {
  return fileExists(certificatePath(paths, name));
}

export function readIndex(paths: StatePaths): Index {
  return readJson(paths.certificates, (value) => index.parse(value)) ?? { version: 1, crlNumber: 0, certificates: [] };
}

export function writeIndex(paths: StatePaths, value: Index): void {
  const lines = [...value.certificates].sort((a, b) => (a.serial < b.serial ? -1 : 1)).map((c) => JSON.stringify(c));
  writeAtomic(paths.certificates, `{"version":1,"crlNumber":${value.crlNumber},"certificates":[\n${lines.join(',\n')}\n]}\n`, 0o644);
}

/** Certificates of the index that are valid and not revoked. */
export function liveCertificates(paths: StatePaths): StoredCertificate[] {
  const revoked = revokedIds(paths, 'certificate');
  return readIndex(paths).certificates.filter((c) => c.status === 'valid' && !revoked.has(c.serial));
}
