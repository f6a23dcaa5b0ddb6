import { inContainer } from '../../gateway/container.ts';
import { policyOf } from '../../gateway/policy.ts';
import type { Gateway } from '../../gateway/types.ts';
import type { Artifact } from '../../output/artifact.ts';
import { projectFrom } from '../layout.ts';
import { lookUpFiles } from '../lookups.ts';
import type { Layout, Proxy } from '../proxy.ts';
import { readTemplate, renderTemplate } from '../template.ts';
import { httpdView } from './view.ts';

/** Apache httpd 2.4 with mod_lua, on Debian and in the official image. */
export const httpd: Proxy = {
  name: 'httpd',
  // The gate counts in microseconds, so there is no rate that it cannot keep.
  audit: () => [],
  render,
  container: ({ output }) => ({
    image: 'httpd:2.4.68',
    entrypoint: ['httpd'],
    command: [...inFolder(`${inContainer.root}/${output}/httpd`), '-D', 'FOREGROUND'],
    reads: ['httpd'],
    writes: { folder: 'httpd/run', options: 'mode=1777,size=256m' },
    stopSignal: 'SIGWINCH',
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

const COPIED = ['gate.lua', 'addresses.lua', 'json.lua', 'sha256.lua', 'counters.lua'];
const PRINTED = ['httpd.conf', 'global.conf', 'vhost.conf'];

function render(gateway: Gateway, layout: Layout): Artifact[] {
  const view = httpdView(gateway, layout);
  const policy = policyOf(gateway, () => 0);
  return [
    ...PRINTED.map((name): Artifact => ({ path: `httpd/${name}`, content: renderTemplate(`httpd/${name}.hbs`, view) })),
    ...COPIED.map((name): Artifact => ({ path: `httpd/${name}`, content: readTemplate(`httpd/${name}`) })),
    { path: 'httpd/policy.json', content: `${JSON.stringify({ ...policy, private: `${projectFrom(layout)}private/run/` }, null, 1)}\n` },
    ...lookUpFiles(gateway, policy, 'httpd', 'serial'),
    { path: 'httpd/run/.gitignore', content: '*\n!.gitignore\n' },
  ];
}
