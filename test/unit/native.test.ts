import { expect, test } from 'vitest';
import { nativeFindings } from '../../src/proxies/traefik/native.ts';
import { resolveSpec } from '../../src/spec/resolve/index.ts';
import { specOf } from '../support/spec.ts';

const VERIFIERS = { keys: [], certificates: [], jwtKeys: [], clientCa: 'ca/clients.pem' };
const spec = (more: string, auth = 'basic', compose = 'gate: native', models = '[{ run: "Qwen/Qwen3-8B" }]'): string =>
  `version: 1\nproxy: traefik\nhosts: [llm.example.com]\ndeploy: { compose: { ${compose} } }\nmodels: ${models}\nclients: [alice]\nauth: ${auth}\n${more}`;

function refusals(text: string): string[] {
  const { gateway, problems } = resolveSpec(specOf(text), VERIFIERS, null);
  const found = gateway ? nativeFindings(gateway) : problems;
  return found.filter(({ code }) => code === 'native-cannot').map(({ message }) => message);
}

const IP = 'ip: { allow: [10.0.0.0/8] }';

test('what native middlewares can keep is taken, and what is weaker is said', () => {
  for (const auth of ['basic', `{ require: basic and ip, ${IP} }`, '{ require: ip, ip: { allow: [10.0.0.0/8], as: alice } }'])
    expect(refusals(spec('', auth))).toEqual([]);
  const { gateway } = resolveSpec(specOf(spec('')), VERIFIERS, null);
  expect(gateway?.listen.http).toBeNull();
  const said = gateway ? nativeFindings(gateway).map(({ code, severity }) => `${severity} ${code}`) : [];
  expect(said).toEqual(['notice native-weaker']);
});

test.each([
  ['another method', spec('', 'apiKey')],
  ['or', spec('', `{ require: basic or ip, ip: { allow: [10.0.0.0/8], as: alice } }`)],
  ['a role with a limit', spec('roles: { default: { routes: [openai], requests: 60/minute } }\n')],
  ['a limit of bodies', spec('limits: { body: 1MB }\n')],
  ['CORS', spec('cors: [https://chat.example.com]\n')],
  ['trusted proxies', spec('listen: { trustedProxies: [192.0.2.1/32] }\n')],
  ['port 80', spec('listen: { http: 80 }\n')],
  ['a WebSocket', spec('roles: { default: { routes: [realtime] } }\n')],
  [
    'roles that differ',
    spec('roles: { a: { routes: [openai] }, default: { routes: [models] } }\n').replace('[alice]', '[alice, { name: bob, role: a }]'),
  ],
  ['attaching without a container', spec('', 'basic', 'gate: native, attach: { network: proxy }', '["http://127.0.0.1:1"]')],
  ['attaching with the plugin', spec('', 'basic', 'attach: { network: proxy }')],
  ['another engine', spec('').replace('proxy: traefik', 'proxy: [traefik, nginx]')],
])('%s is refused', (_, text) => {
  expect(refusals(text)).toHaveLength(1);
});
