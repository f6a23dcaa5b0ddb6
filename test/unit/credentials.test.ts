import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import bcrypt from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { createKey, isOwnKey, keyDigest, liveKeys, newKey, readKeys, revokeKeys } from '../../src/credentials/api-key.ts';
import { readPasswords, setPassword } from '../../src/credentials/htpasswd.ts';
import { statePaths } from '../../src/credentials/paths.ts';
import { Secret } from '../../src/credentials/secret.ts';
import { changeState } from '../../src/credentials/state.ts';
import { makePrivateDirectory } from '../../src/credentials/store.ts';
import { createAuthority, issueClientCertificate, issueServerCertificate, revokeCertificates } from '../../src/pki/authority.ts';
import { liveCertificates, readIndex } from '../../src/pki/inventory.ts';
import { tools } from '../support/lab.ts';

const project = () => statePaths(mkdtempSync(join(tmpdir(), 'gatewright-credentials-')));
const openssl = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('openssl', args);
  return { status, text: `${stdout}${stderr}` };
};

describe('secrets', () => {
  test('do not print', () => {
    const secret = new Secret('hidden');
    expect([`${secret}`, JSON.stringify({ secret }), inspect(secret), inspect({ secret })].join()).not.toContain('hidden');
    expect(secret.reveal()).toBe('hidden');
  });
});

describe('API keys', () => {
  test('have 256 random bits and a checksum', () => {
    const key = newKey(tools().random).reveal();
    expect(key).toMatch(/^sk-[0-9A-Za-z]{49}$/);
    expect(isOwnKey(key)).toBe(true);
    expect(isOwnKey(key.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a')))).toBe(false);
    expect(
      newKey(() => new Uint8Array(32))
        .reveal()
        .slice(3, 46),
    ).toBe('0'.repeat(43));
    expect(newKey(() => new Uint8Array(32).fill(255)).reveal()).toMatch(/^sk-[0-9A-Za-z]{49}$/);
  });

  test('are stored as digests and revoked by lines that are only added', () => {
    const paths = project();
    const now = new Date();
    const made = changeState(paths, () => [
      createKey(paths, { client: 'a', created: now, expires: null }, tools().random),
      createKey(paths, { client: 'a', created: now, expires: null, note: 'n' }, tools().random),
    ]);
    const [one, two] = made;
    if (!one || !two) throw new Error('two keys');
    expect(readFileSync(paths.keys, 'utf8')).not.toContain(one.secret.reveal());
    expect(
      readKeys(paths)
        .map((key) => key.sha256)
        .sort(),
    ).toEqual([keyDigest(one.secret), keyDigest(two.secret)].sort());
    expect(() => revokeKeys(paths, 'a', 'only', now)).toThrow(/2 live keys/);
    changeState(paths, () => revokeKeys(paths, 'a', { id: one.stored.id }, now));
    expect(liveKeys(paths).map((key) => key.id)).toEqual([two.stored.id]);
    const before = readFileSync(paths.revoked, 'utf8');
    changeState(paths, () => revokeKeys(paths, 'a', 'only', now));
    expect(readFileSync(paths.revoked, 'utf8').startsWith(before)).toBe(true);
    expect(() => revokeKeys(paths, 'a', 'only', now)).toThrow(/no live key/);
    expect(readFileSync(join(paths.credentials, '.gitattributes'), 'utf8')).toContain('merge=union');
  });

  test('a corrupt store or revocation list stops everything', () => {
    const paths = project();
    changeState(paths, () => createKey(paths, { client: 'a', created: new Date(), expires: null }, tools().random));
    writeFileSync(paths.revoked, 'not json\n');
    expect(() => liveKeys(paths)).toThrow(/revoked\.jsonl:1 is not a revocation/);
    writeFileSync(paths.keys, '{}');
    expect(() => readKeys(paths)).toThrow(/not what it should be/);
  });
});

describe('passwords', () => {
  test('are bcrypt with the prefix that every reader knows', () => {
    const paths = project();
    const odd = 'pa$$ :#"\\ wörd';
    changeState(paths, () => {
      makePrivateDirectory(paths.passwords);
      setPassword(paths, 'alice', new Secret(odd), tools().random);
    });
    const hash = readPasswords(paths).get('alice') ?? '';
    expect(hash).toMatch(/^\$2y\$10\$/);
    expect(bcrypt.compareSync(odd, hash)).toBe(true);
    expect(statSync(paths.htpasswd).mode & 0o777).toBe(0o600);
    expect(readFileSync(paths.htpasswd, 'utf8')).toMatch(/^-:\$2y\$/);
    for (const bad of ['short', 'x'.repeat(73), 'ä'.repeat(37), 'with\nnewline-in-it'])
      expect(() => setPassword(paths, 'alice', new Secret(bad), tools().random)).toThrow(/password/);
  });
});

describe('the CA', () => {
  const paths = project();
  const days = 90;
  changeState(paths, () => createAuthority(paths, 'clients', tools()));
  const alice = changeState(paths, () => issueClientCertificate(paths, 'alice', days, tools()));
  const bob = changeState(paths, () => issueClientCertificate(paths, 'bob', days, tools()));
  changeState(paths, () => revokeCertificates(paths, 'bob', 'only', new Date()));
  const verify = (file: string) =>
    openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-crl_check', '-CAfile', paths.clientCa, '-CRLfile', paths.clientCrl, file);

  test('openssl accepts what it issues and refuses what it revoked', () => {
    expect(verify(join(alice.folder, 'cert.pem'))).toMatchObject({ status: 0 });
    const revoked = verify(join(bob.folder, 'cert.pem'));
    expect(revoked.status).not.toBe(0);
    expect(revoked.text).toContain('error 23');
    expect(openssl('crl', '-in', paths.clientCrl, '-noout', '-verify', '-CAfile', paths.clientCa).text).toContain('verify OK');
    const text = execFileSync('openssl', ['x509', '-in', join(alice.folder, 'cert.pem'), '-noout', '-text'], { encoding: 'utf8' });
    expect(text).toContain('TLS Web Client Authentication');
    expect(text).toContain('Subject: CN = alice');
    expect(text).toContain('CA:FALSE');
    expect(text).toContain('prime256v1');
  });

  test('serials are 126 random bits, positive and of fixed length', () => {
    for (const { serial } of readIndex(paths).certificates) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(alice.stored.serial).not.toBe(bob.stored.serial);
  });

  test('one file holds key and chain; private files are 0600 in 0700', () => {
    const combined = readFileSync(join(alice.folder, 'client.pem'), 'utf8');
    expect(combined).toContain('BEGIN PRIVATE KEY');
    expect(combined).toContain('BEGIN CERTIFICATE');
    for (const file of [
      ...['client.pem', 'key.pem', 'cert.pem'].map((name) => join(alice.folder, name)),
      join(paths.caKeys, 'clients.key'),
    ])
      expect({ file, mode: statSync(file).mode & 0o777 }).toEqual({ file, mode: 0o600 });
    for (const folder of [paths.privateDir, paths.caKeys, paths.issued, alice.folder, paths.run])
      expect({ folder, mode: statSync(folder).mode & 0o777 }).toEqual({ folder, mode: 0o700 });
    expect(readFileSync(join(paths.privateDir, '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('it can never be overwritten', () => {
    const before = readFileSync(join(paths.caKeys, 'clients.key'), 'utf8');
    expect(() => changeState(paths, () => createAuthority(paths, 'clients', tools()))).toThrow(/already/);
    expect(readFileSync(join(paths.caKeys, 'clients.key'), 'utf8')).toBe(before);
  });

  test('a second certificate of a client leaves the first one where it can be found', () => {
    const first = changeState(paths, () => issueClientCertificate(paths, 'dora', 1, tools()));
    const old = readFileSync(join(first.folder, 'client.pem'), 'utf8');
    const second = changeState(paths, () => issueClientCertificate(paths, 'dora', 1, tools()));
    expect(readFileSync(join(first.folder, first.stored.serial, 'client.pem'), 'utf8')).toBe(old);
    expect(readFileSync(join(second.folder, 'client.pem'), 'utf8')).not.toBe(old);
    changeState(paths, () => revokeCertificates(paths, 'dora', 'all', new Date()));
  });

  test('live certificates are those that are neither pending nor revoked', () => {
    expect(liveCertificates(paths).map((c) => c.client)).toEqual(['alice']);
  });

  test('the CRL number grows', () => {
    const number = (): number =>
      Number(
        /CRL Number:\s*(\d+)/.exec(execFileSync('openssl', ['crl', '-in', paths.clientCrl, '-noout', '-text'], { encoding: 'utf8' }))?.[1],
      );
    const before = number();
    changeState(paths, () => issueClientCertificate(paths, 'carol', 1, tools()));
    changeState(paths, () => revokeCertificates(paths, 'carol', 'only', new Date()));
    expect(number()).toBeGreaterThan(before);
  });

  test("the gateway's own certificate names its hosts", () => {
    changeState(paths, () => issueServerCertificate(paths, ['llm.example.com', '10.0.0.7', '[::1]'], tools()));
    const ok = openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', paths.serverCa, paths.tlsCert);
    expect(ok).toMatchObject({ status: 0 });
    const text = execFileSync('openssl', ['x509', '-in', paths.tlsCert, '-noout', '-ext', 'subjectAltName'], { encoding: 'utf8' });
    expect(text).toContain('DNS:llm.example.com, IP Address:10.0.0.7, IP Address:0:0:0:0:0:0:0:1');
  });
});
