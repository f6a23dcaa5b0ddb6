import type { JwtAlgorithm } from '../../src/gateway/token.ts';
import type { ProxyName } from '../../src/gateway/types.ts';
import { RICH_SPEC } from './lab.ts';

const base = (auth: string, more = ''): string => `
version: 1
hosts: [llm.example.com]
models: [{ upstream: "http://127.0.0.1:1", key: required }]
clients: [alice, bob]
auth: ${auth}
${more}`;

/** Specs that differ in one idea each. */
export const SPECS: Readonly<Record<string, string>> = {
  'seven lines':
    'version: 1\nhosts: [llm.example.com]\ntls: self-signed\nmodels:\n  - http://localhost:8000\nclients: [alice, ci-bot]\nauth: apiKey\n',
  'everything at once': RICH_SPEC,
  'a key or an address': base('{ require: apiKey or ip, ip: { allow: [10.0.0.0/8], as: alice } }', 'cors: [https://chat.example.com]'),
  'a certificate and a key': base('mtls and apiKey'),
  'a password': base('basic', 'limits: { body: 3MB, failures: 5/minute }'),
  'a password or an address': base('{ require: basic or ip, ip: { allow: [10.0.0.0/8], as: bob } }'),
  'an address and a password and a key': base('{ require: ip and basic and apiKey, ip: { allow: [10.0.0.0/8] } }'),
  'a certificate only': base('mtls', 'listen: { http: off }'),
  grouped: base('{ require: (apiKey or basic) and (mtls or ip), ip: { allow: [192.168.0.0/16] } }'),
  'keys in a header of their own': base('{ require: apiKey, apiKey: { headers: [X-Team-Key] } }'),
  'all the small routes': base(
    'apiKey',
    'roles: { default: { routes: [openai, anthropic, rank, pool, tokens, health, metrics, responses.get, responses.cancel, chat.batch, embed, cohere, version, load] } }',
  ),
  tokens: base(
    '{ require: jwt or apiKey, jwt: { issuer: "https://idp.example.com", audience: llm, keys: jwks.json, roles: roles, role: reader } }',
    'roles: { default: { routes: [openai] }, reader: { routes: [models] } }',
  ).replace('[alice, bob]', '[{ name: alice, sub: sub-of-alice }, bob]'),
  'tokens from an address': base(
    '{ require: jwt and ip, ip: { allow: [10.0.0.0/8] }, jwt: { issuer: "https://idp.example.com", audience: llm, keys: jwks.json, client: email, role: default } }',
  ),
  'a WebSocket': base(
    '{ require: apiKey or ip, ip: { allow: [10.0.0.0/8], as: bob } }',
    'roles: { default: { routes: [chat, realtime], concurrent: 3 } }\ncors: [https://chat.example.com]',
  ),
  rates: base('apiKey', 'roles: { default: { routes: [chat], requests: 5/second, concurrent: 2 } }\nlimits: { concurrent: 3 }'),
};

/** What each engine can check; the rest is refused when the gateway is generated. */
export const ALGORITHMS = (engine: ProxyName): JwtAlgorithm[] => [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'ES256',
  'ES384',
  'HS256',
  'HS384',
  'HS512',
  ...(engine === 'traefik' ? (['EdDSA'] as const) : []),
];
