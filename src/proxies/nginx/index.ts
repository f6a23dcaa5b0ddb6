import { inContainer } from '../../gateway/container.ts';
import { clientsOf, policyOf } from '../../gateway/policy.ts';
import { printRate, type Rate } from '../../gateway/quantity.ts';
import type { Gateway } from '../../gateway/types.ts';
import type { Artifact } from '../../output/artifact.ts';
import { healthByBash } from '../layout.ts';
import { tokenFindings } from '../findings.ts';
import type { Finding, Layout, Proxy } from '../proxy.ts';
import { readTemplate, renderTemplate } from '../template.ts';
import { nginxRate, nginxRetryAfter } from './rates.ts';
import { nginxView, ownPlace, snippetPlace } from './view.ts';

/** nginx with the njs module, 1.22.1/0.7.9 and newer. */
export const nginx: Proxy = {
  name: 'nginx',
  audit,
  render,
  container: ({ output }) => ({
    image: 'nginx:1.30.6',
    entrypoint: ['nginx'],
    command: ['-p', `${inContainer.root}/${output}/nginx/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
    directory: inContainer.root,
    reads: ['nginx'],
    readsPrivate: [],
    writes: { folder: 'nginx/run', options: 'mode=1777,size=256m' },
    stopSignal: 'SIGQUIT',
    health: healthByBash('/healthz', 204),
    labels: {},
    privateLabels: null,
    companion: null,
  }),
  operation: ({ output }) => ({
    start: `nginx -p ${output}/nginx/ -c nginx.conf`,
    reload: `nginx -p ${output}/nginx/ -c nginx.conf -s reload`,
    reloadInContainer: `nginx -p ${inContainer.root}/${output}/nginx/ -c nginx.conf -s reload`,
    rereads: false,
    note: `If nginx was killed and says that an address is in use although nothing runs: remove \`${output}/nginx/run/basic.sock\`.`,
  }),
};

function audit(gateway: Gateway): Finding[] {
  const rateOf = (name: string): Rate | null => gateway.roles.find((role) => role.name === name)?.requests ?? null;
  const written: [Rate | null, (string | number)[]][] = [
    ...gateway.roles.map((role): [Rate | null, string[]] => [role.requests, ['roles', role.name, 'requests']]),
    // A client that has its role's rate did not write one.
    ...gateway.clients.map((client, i): [Rate | null, (string | number)[]] => [
      client.requests === rateOf(client.role) ? null : client.requests,
      ['clients', i, 'requests'],
    ]),
    [gateway.limits.failures, ['limits', 'failures']],
  ];
  return [
    ...tokenFindings(gateway, 'nginx'),
    ...written.flatMap(([rate, about]): Finding[] => {
      if (rate === null || nginxRate(rate) !== null) return [];
      return [
        {
          code: 'rate-not-expressible',
          severity: 'error',
          message: `nginx counts whole requests a second or a minute, which ${printRate(rate)} is not`,
          hint: 'write a multiple of 1/minute, such as 60/hour',
          about,
        },
      ];
    }),
  ];
}

function render(gateway: Gateway, layout: Layout): Artifact[] {
  const view = nginxView(gateway, layout, ownPlace(gateway, layout));
  const policy = policyOf(gateway, nginxRetryAfter);
  const printed = (name: string): Artifact => ({ path: `nginx/${name}`, content: renderTemplate(`nginx/${name}.hbs`, view) });
  return [
    printed('nginx.conf'),
    printed('http.conf'),
    printed('server.conf'),
    printed('upstream-headers.conf'),
    printed('response-headers.conf'),
    ...['gate.js', 'addresses.js', 'token.js'].map((name): Artifact => ({ path: `nginx/${name}`, content: readTemplate(`nginx/${name}`) })),
    { path: 'nginx/policy.json', content: `${JSON.stringify({ ...policy, clients: clientsOf(gateway) }, null, 1)}\n` },
    { path: 'nginx/api-keys.map', content: keyMap(gateway, policy.hash) },
    { path: 'nginx/certificates.map', content: certificateMap(gateway) },
    // The folder must be there before nginx starts: pid, socket, cache, logs. Nothing in it is ours to compare.
    ...(gateway.deploy.kind === 'host' ? snippet(gateway, layout) : []),
    { path: 'nginx/run/.gitignore', content: '*\n!.gitignore\n' },
  ];
}

/** The pieces of the http and the server level for an nginx that runs already, and the lines that it takes. */
function snippet(gateway: Gateway, layout: Layout): Artifact[] {
  const view = nginxView(gateway, layout, snippetPlace(layout));
  return [
    { path: 'nginx/snippet/http.conf', content: renderTemplate('nginx/http.conf.hbs', view) },
    { path: 'nginx/snippet/server.conf', content: renderTemplate('nginx/server.conf.hbs', view) },
    { path: 'nginx/snippet/README.md', content: renderTemplate('nginx/snippet.md.hbs', view) },
  ];
}

/** Lines of a map: `"<sha256 of the key>" "<client> <expiry in unix time, 0 for never>";` */
function keyMap(gateway: Gateway, policyHash: string): string {
  const lines = new Map(gateway.verifiers.keys.map((key) => [key.sha256, `"${key.sha256}" "${key.client} ${key.expires ?? 0}";`]));
  return [`"policy" "${policyHash}";`, ...[...lines.values()].sort(), ''].join('\n');
}

/** nginx sees the SHA-1 of a certificate that the client CA signed; that pins one certificate of ours. */
function certificateMap(gateway: Gateway): string {
  return [...gateway.verifiers.certificates.map((cert) => `"SUCCESS:${cert.sha1}" "${cert.client}";`).sort(), ''].join('\n');
}
