import { createSecretKey } from 'node:crypto';
import { inContainer } from '../../gateway/container.ts';
import { policyOf } from '../../gateway/policy.ts';
import type { Gateway } from '../../gateway/types.ts';
import type { Artifact } from '../../output/artifact.ts';
import { healthByBash, projectFrom } from '../layout.ts';
import { lookUpFiles } from '../lookups.ts';
import { tokenFindings } from '../findings.ts';
import type { Layout, PrivateFacts, Proxy } from '../proxy.ts';
import { readTemplate, renderTemplate } from '../template.ts';
import { token } from './quote.ts';
import { httpdView, jwkOf, verifyOptions } from './view.ts';

/** Apache httpd 2.4 with mod_lua, on Debian and in the official image. */
export const httpd: Proxy = {
  name: 'httpd',
  // The gate counts in microseconds, so there is no rate that it cannot keep.
  audit: (gateway) => tokenFindings(gateway, 'httpd'),
  render,
  privateFiles,
  container: ({ output }, gateway) => ({
    // mod_oauth2 is in Debian and not in the official image.
    image: gateway.access.jwt ? { build: './httpd' } : 'httpd:2.4.68',
    entrypoint: [gateway.access.jwt ? 'apache2' : 'httpd'],
    command: [...inFolder(`${inContainer.root}/${output}/httpd`), '-D', 'FOREGROUND'],
    directory: inContainer.root,
    reads: ['httpd'],
    readsPrivate: gateway.access.jwt?.keys.some((key) => key.secret !== null) ? ['httpd'] : [],
    writes: { folder: 'httpd/run', options: 'mode=1777,size=256m' },
    stopSignal: 'SIGWINCH',
    health: healthByBash('/healthz', 204),
    labels: {},
    privateLabels: null,
    companion: null,
  }),
  operation: ({ output }) => ({
    start: `apache2 -d "$PWD/${output}/httpd" -f httpd.conf          # the program is httpd where it is not Debian's`,
    reload: `apache2 -d "$PWD/${output}/httpd" -f httpd.conf -k graceful`,
    reloadInContainer: `httpd -d ${inContainer.root}/${output}/httpd -C "Define GATEWRIGHT ${inContainer.root}/${output}/httpd" -f httpd.conf -k graceful`,
    rereads: true,
    note: '',
  }),
};

/** The arguments that start httpd from wherever. */
export function inFolder(folder: string): string[] {
  return ['-d', folder, '-C', `Define GATEWRIGHT ${folder}`, '-f', 'httpd.conf'];
}

const COPIED = [
  'gate',
  'request',
  'wellformed',
  'identity',
  'passwords',
  'token',
  'upstream',
  'answers',
  'lookups',
  'counters',
  'addresses',
  'json',
  'sha256',
].map((name) => `${name}.lua`);
const PRINTED = ['httpd.conf', 'global.conf', 'vhost.conf'];

/** mod_oauth2 takes shared secrets from its configuration alone, so that a part of it is private. */
function privateFiles(gateway: Gateway, _: Layout, { jwtSecrets }: PrivateFacts): { files: Artifact[]; links: Record<string, string> } {
  const files = (gateway.access.jwt?.keys ?? []).flatMap((key, i): Artifact[] => {
    const secret = key.secret === null ? undefined : jwtSecrets[key.secret];
    if (!secret) return [];
    const jwk = token(jwkOf(key, createSecretKey(secret)));
    return [{ path: `httpd/jwt-${i}.conf`, content: `OAuth2TokenVerify jwk ${jwk} ${token(verifyOptions(i))}\n` }];
  });
  return { files, links: {} };
}

const DOCKERFILE = `# Apache httpd with mod_oauth2, which the official image does not have.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends apache2 libapache2-mod-oauth2 && rm -rf /var/lib/apt/lists/*
`;

function render(gateway: Gateway, layout: Layout): Artifact[] {
  const view = httpdView(gateway, layout);
  const policy = policyOf(gateway, () => 0);
  return [
    ...PRINTED.map((name): Artifact => ({ path: `httpd/${name}`, content: renderTemplate(`httpd/${name}.hbs`, view) })),
    ...COPIED.map((name): Artifact => ({ path: `httpd/${name}`, content: readTemplate(`httpd/${name}`) })),
    { path: 'httpd/policy.json', content: `${JSON.stringify({ ...policy, private: `${projectFrom(layout)}private/run/` }, null, 1)}\n` },
    ...lookUpFiles(gateway, policy, 'httpd', 'serial'),
    ...(gateway.access.jwt && gateway.deploy.kind === 'compose' ? [{ path: 'httpd/Dockerfile', content: DOCKERFILE }] : []),
    { path: 'httpd/run/.gitignore', content: '*\n!.gitignore\n' },
  ];
}
