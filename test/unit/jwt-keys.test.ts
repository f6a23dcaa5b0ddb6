import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkToken, type JwtSettings } from '../../src/gateway/token.ts';
import { policyOf } from '../../src/gateway/policy.ts';
import { readJwtKeys } from '../../src/jwt-keys.ts';
import { loadText } from '../../src/pipeline.ts';
import { makeIssuer } from '../../src/probe/issuer.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const project = (name: string, text: string): string => {
  const dir = mkdtempSync(join(tmpdir(), 'gatewright-jwt-'));
  mkdirSync(join(dir, 'private'));
  writeFileSync(join(dir, name), text);
  return dir;
};
const read = (name: string, text: string) => readJwtKeys(project(name, text), name);
const jwks = (...keys: object[]): string => JSON.stringify({ keys });

describe('the keys of a JWKS', () => {
  test('say their algorithm, by themselves or by their kind; keys for encryption are passed over', () => {
    const found = read(
      'jwks.json',
      jwks(
        { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'r', alg: 'PS256' },
        { ...rsa.publicKey.export({ format: 'jwk' }) },
        { ...ec.publicKey.export({ format: 'jwk' }), kid: 'e' },
        { ...rsa.publicKey.export({ format: 'jwk' }), use: 'enc' },
      ),
    );
    expect(found.problems).toEqual([]);
    expect(found.keys.map(({ kid, alg, secret }) => [kid, alg, secret])).toEqual([
      ['r', 'PS256', null],
      [null, 'RS256', null],
      ['e', 'ES384', null],
    ]);
  });

  test('PEM is taken as it is', () => {
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    expect(read('key.pem', pem + ec.publicKey.export({ format: 'pem', type: 'spki' }).toString()).keys.map(({ alg }) => alg)).toEqual([
      'RS256',
      'ES384',
    ]);
  });

  test('shared secrets only from private/, of the size of the hash', () => {
    const secret = { kty: 'oct', k: randomBytes(32).toString('base64url') };
    expect(read('jwks.json', jwks(secret)).problems[0]?.hint).toContain('below private/');
    expect(read('private/jwks.json', jwks(secret))).toMatchObject({ problems: [], keys: [{ alg: 'HS256', spki: null, secret: 0 }] });
    expect(read('private/jwks.json', jwks({ ...secret, alg: 'HS512' })).problems[0]?.message).toContain('needs 64');
  });

  test.for([
    ['nothing', 'nowhere.json', null, 'is not there'],
    ['no JWKS', 'jwks.json', '{"a":1}', 'no JWKS'],
    ['no JSON', 'jwks.json', 'hello', 'neither'],
    ['no key', 'jwks.json', '{"keys":[]}', 'no key that signs'],
    ['a private key', 'key.pem', rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'private key'],
    ['a private JWK', 'jwks.json', jwks(rsa.privateKey.export({ format: 'jwk' })), 'private key'],
    [
      'a short RSA key',
      'jwks.json',
      jwks(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })),
      'less than 2048',
    ],
    [
      'an algorithm of another kind',
      'jwks.json',
      jwks({ ...rsa.publicKey.export({ format: 'jwk' }), alg: 'ES256' }),
      'not an algorithm of such a key',
    ],
    [
      'another curve',
      'jwks.json',
      jwks(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' })),
      'no algorithm',
    ],
  ] as const)('%s is refused', ([, name, text, message]) => {
    const found = text === null ? readJwtKeys(tmpdir(), name) : read(name, text);
    expect(found.problems.map((problem) => problem.message).join()).toContain(message);
  });
});

describe('a token', () => {
  const issuer = makeIssuer(['RS256', 'HS256', 'EdDSA']);
  const dir = project('private/jwks.json', issuer.jwks);
  const { keys, secrets } = readJwtKeys(dir, 'private/jwks.json');
  const jwt: JwtSettings = { source: 'private/jwks.json', issuer: 'i', audience: 'a', client: 'sub', roles: 'groups', role: null, keys };
  const claims = { iss: 'i', aud: 'a', sub: 'u', exp: 1000 };
  const check = (token: string, now = 900) => checkToken(jwt, token, now, (key) => secrets[key] ?? new Uint8Array());

  test('holds from nbf to exp, with half a minute of leeway', () => {
    const token = issuer.sign('RS256', { ...claims, nbf: 900 });
    expect(check(token)).toEqual({ valid: true, subject: 'u', roles: null });
    expect(check(token, 870)).toMatchObject({ valid: true });
    expect(check(token, 869)).toEqual({ valid: false, reason: 'token_early' });
    expect(check(token, 1029)).toMatchObject({ valid: true });
    expect(check(token, 1030)).toEqual({ valid: false, reason: 'token_expired' });
  });

  test('names roles as a text or a list; another shape names none, which is not the same as saying nothing', () => {
    expect(check(issuer.sign('HS256', { ...claims, groups: 'r' }))).toMatchObject({ roles: 'r' });
    expect(check(issuer.sign('EdDSA', { ...claims, groups: ['r', 1] }))).toMatchObject({ roles: ['r'] });
    expect(check(issuer.sign('RS256', { ...claims, groups: null }))).toMatchObject({ roles: [] });
  });

  test('of a secret is no token of a public key', () => {
    const confused = issuer.sign('RS256', claims, {
      header: { alg: 'HS256', kid: undefined },
      hmac: { hash: 'sha256', secret: issuer.publicPem('RS256') ?? '' },
    });
    expect(check(confused)).toEqual({ valid: false, reason: 'token_signature' });
    const swapped = issuer.sign('HS256', claims, { header: { kid: 'rs256-1' } });
    expect(check(swapped)).toEqual({ valid: false, reason: 'token_key' });
  });
});

describe('keys at a URL', () => {
  const spec = (proxy: string, keys: string): string =>
    `version: 1\nproxy: ${proxy}\nhosts: [llm.example.com]\nmodels: ["http://localhost:8000"]\nclients: [alice]\n` +
    `auth: { require: jwt, jwt: { issuer: i, audience: a, keys: "${keys}", role: default } }\n`;
  const URL = 'https://idp.example.com/jwks.json';
  const problems = (text: string): string[] => loadText('/nowhere/gatewright.yaml', text).problems.map(({ code }) => code);

  test('are fetched by Traefik, whose policy names the URL and holds no key', () => {
    const { project } = loadText('/nowhere/gatewright.yaml', spec('traefik', URL));
    if (!project) throw new Error('refused');
    expect(policyOf(project.gateway, () => 0).jwt).toMatchObject({ url: URL, keys: [] });
  });

  test('are refused on an engine that cannot', () => {
    for (const proxy of ['nginx', 'httpd', '[nginx, traefik]']) expect(problems(spec(proxy, URL))).toContain('jwt-keys-url');
  });

  test('come over https, or from this machine', () => {
    expect(problems(spec('traefik', 'http://idp.example.com/jwks.json'))).toContain('jwt-keys');
    expect(problems(spec('traefik', 'http://localhost.example.com/jwks.json'))).toContain('jwt-keys');
    for (const url of ['http://127.0.0.1:8080/jwks.json', 'http://localhost/jwks.json', URL])
      expect(problems(spec('traefik', url))).not.toContain('jwt-keys');
  });
});
