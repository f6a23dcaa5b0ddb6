import { checkToken } from '../gateway/token.ts';
import { readJwtKeys } from '../jwt-keys.ts';
import type { World } from '../gateway/request.ts';
import { type Subject, subjectVerifiers } from './subject.ts';

/** The world of a subject at rest: its credentials, no limit used up. */
export function worldOf(subject: Subject): World {
  const { keys, certificates } = subjectVerifiers(subject);
  const byDigest = new Map(
    keys.map((key) => [
      key.sha256,
      { client: key.client, expires: key.expires === null ? null : Math.floor(Date.parse(key.expires) / 1000) },
    ]),
  );
  const { jwt } = subject.gateway.access;
  const secrets = jwt ? readJwtKeys(subject.paths.project, jwt.source).secrets : [];
  const byFingerprint = new Map(certificates.map((certificate) => [certificate.sha256, certificate.client]));
  const passwords = new Map(subject.cast.map((one) => [one.client, one.password]));
  return {
    now: Math.floor(Date.now() / 1000),
    key: (sha256) => byDigest.get(sha256) ?? null,
    password: ({ name, password }) => (passwords.get(name) === password ? 'right' : 'wrong'),
    jwt: (token) =>
      jwt ? checkToken(jwt, token, Date.now() / 1000, (key) => secrets[key] ?? new Uint8Array()) : { valid: false, reason: 'no_jwt' },
    certificate: (fingerprint) => byFingerprint.get(fingerprint) ?? null,
    rate: () => null,
    concurrent: () => 0,
    concurrentAll: () => 0,
  };
}
