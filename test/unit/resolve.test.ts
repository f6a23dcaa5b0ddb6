import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Verifiers } from '../../src/gateway/types.ts';
import { readSpec } from '../../src/spec/read.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';

const NOBODY: Verifiers = { keys: [], certificates: [], jwtKeys: [], clientCa: null };
const resolve = (text: string, verifiers = NOBODY) => {
  const { spec, document, problems } = readSpec('gatewright.yaml', text);
  if (!spec) throw new Error(JSON.stringify(problems));
  return resolveSpec(spec, verifiers, document);
};
const base = (more: string): string => `version: 1\nhosts: [llm.example.com]\ndeploy: host\nmodels: [http://localhost:8000]\n${more}`;
const codes = (text: string): string[] => resolve(text).problems.map((p) => `${p.code} ${p.at?.line}:${p.at?.col}`);

describe('resolving a spec', () => {
  test('seven lines make a gateway', () => {
    const { gateway } = resolve(
      'version: 1\nhosts: [llm.example.com]\ntls: self-signed\nmodels:\n  - http://localhost:8000\nclients: [alice, ci-bot]\nauth: apiKey\n',
    );
    expect(gateway).toMatchObject({
      proxies: ['nginx'],
      deploy: { kind: 'compose' },
      listen: { https: 443, http: 80 },
      limits: { body: 20_000_000, concurrent: 64, failures: { count: 10, seconds: 60 } },
      clients: [
        { name: 'alice', role: 'default', concurrent: 8 },
        { name: 'ci-bot', role: 'default', concurrent: 8 },
      ],
      models: [{ name: null, upstream: { host: 'host.docker.internal', port: 8000 }, keyRequired: false }],
    });
    expect(gateway?.routes.map((route) => route.name)).toEqual([
      'chat',
      'completions',
      'responses',
      'embeddings',
      'transcriptions',
      'translations',
      'models',
    ]);
  });

  test('the long example reads, and what is not built yet is named, each with its line', () => {
    const text = readFileSync(new URL('../fixtures/long-example.yaml', import.meta.url), 'utf8');
    const { gateway, problems } = resolve(text, { ...NOBODY, clientCa: 'ca/clients.pem' });
    expect(gateway).toBeNull();
    expect(problems.map((p) => `${p.code} ${p.at?.path}`).sort()).toEqual(
      ['not-yet models', 'not-yet models[1]', 'not-yet models[1].ca', 'not-yet monitoring', 'not-yet timeouts'].sort(),
    );
    expect(problems.every((p) => (p.at?.line ?? 0) > 1)).toBe(true);
  });

  test.each([
    ['a nameless caller', base('clients: [a]\nauth: { require: ip, ip: { allow: [10.0.0.0/8] } }\n'), ['nameless-caller 6:26']],
    [
      'as without ip alone',
      base('clients: [a]\nauth: { require: ip and apiKey, ip: { allow: [10.0.0.0/8], as: a } }\n'),
      ['unused-method 6:64'],
    ],
    ['a method nobody names', base('clients: [a]\nauth: { require: apiKey, basic: {} }\n'), ['unused-method 6:33']],
    ['basic and jwt', base('clients: [a]\nauth: basic and jwt\n'), ['require-two-authorizations 6:13', 'missing-key 6:7']],
    ['an error inside the expression', base('clients: [a]\nauth: apiKey or (mtls and ipp)\n'), ['require-syntax 6:27']],
    ['the same in quotes', base('clients: [a]\nauth:\n  require: "apiKey or ipp"\n'), ['require-syntax 7:23']],
    [
      'an unknown role',
      base('roles: { dev: { routes: [chat] } }\nclients: [{ name: a, role: dve }]\nauth: apiKey\n'),
      ['unknown-role 6:28'],
    ],
    ['no default role', base('roles: { dev: { routes: [chat] } }\nclients: [a]\nauth: apiKey\n'), ['unknown-role 6:11']],
    [
      'a forbidden route',
      base('roles: { default: { routes: [chat, /invocations] } }\nclients: [a]\nauth: apiKey\n'),
      ['forbidden-route 5:36'],
    ],
    ['an unknown route', base('roles: { default: { routes: [caht] } }\nclients: [a]\nauth: apiKey\n'), ['unknown-route 5:30']],
    ['mtls without a CA', base('clients: [a]\nauth: mtls\n'), ['missing-ca 6:7']],
    ['cors for everybody', base('clients: [a]\nauth: apiKey\ncors: ["*"]\n'), ['cors-origin 7:8']],
    ['a client twice', base('clients: [a, a]\nauth: apiKey\n'), ['duplicate-name 5:14']],
    ['trusting everybody', base('listen: { trustedProxies: [0.0.0.0/0] }\nclients: [a]\nauth: apiKey\n'), ['trusted-everyone 5:28']],
    ['a path in an upstream', base('clients: [a]\nauth: apiKey\n').replace('8000]', '8000/v1]'), ['invalid-value 4:10']],
    [
      'a container under host',
      base('clients: [a]\nauth: apiKey\n').replace('http://localhost:8000', 'Qwen/Qwen3-8B'),
      ['invalid-value 4:10'],
    ],
    [
      'a key header that means something else',
      base('clients: [a]\nauth: { require: apiKey, apiKey: { headers: [Cookie] } }\n'),
      ['invalid-value 6:46'],
    ],
    [
      'a key beside basic without a header of its own',
      base('clients: [a]\nauth: { require: apiKey and basic, apiKey: { headers: [Authorization] } }\n'),
      ['require-two-authorizations 6:18'],
    ],
  ])('%s', (_, text, expected) => expect(codes(text)).toEqual(expected));

  test('an allowed range that overlaps the compose subnet is refused; one beside it is not', () => {
    const text = (range: string): string =>
      `version: 1\nhosts: [a]\nmodels: [http://gpu:8000]\nclients: [a]\nauth: { require: apiKey and ip, ip: { allow: [${range}] } }\n`;
    expect(codes(text('172.31.0.0/16'))).toEqual(['address-overlap 5:47']);
    expect(codes(text('172.30.0.0/16'))).toEqual([]);
  });

  test("a client's own limit replaces its role's", () => {
    const { gateway } = resolve(
      base(
        'roles: { dev: { routes: [chat], requests: 60/minute, concurrent: 4 } }\nclients: [{ name: a, role: dev, requests: 5/second }, { name: b, role: dev }]\nauth: apiKey\n',
      ),
    );
    expect(gateway?.clients).toMatchObject([
      { requests: { count: 5, seconds: 1 }, concurrent: 4 },
      { requests: { count: 60, seconds: 60 }, concurrent: 4 },
    ]);
  });
});
