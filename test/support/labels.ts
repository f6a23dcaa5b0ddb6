import { parse, stringify } from 'yaml';
import { renderCompose } from '../../src/deploy/compose.ts';
import { parseCidr } from '../../src/gateway/address.ts';
import type { Gateway } from '../../src/gateway/types.ts';
import { fakeDocker } from './docker-api.ts';
import type { Mutate } from './sabotage.ts';

interface Compose {
  readonly name: string;
  readonly services: { readonly gateway: { readonly labels: Record<string, string> } };
}

/**
 * The same Traefik by its labels: those of the compose file for this gateway, read from a Docker API, in place of the routing
 * in its file. `change` makes it so before Traefik starts; `close` ends the Docker API.
 */
export async function byLabels(gateway: Gateway): Promise<{ change: Mutate; close: () => void }> {
  const subnet = parseCidr('172.31.237.0/24');
  if (!subnet) throw new Error('the subnet does not parse');
  const composed: Gateway = { ...gateway, deploy: { kind: 'compose', subnet, image: null, native: false, attach: null } };
  const { name, services } = parse(renderCompose(composed, 'gateway')[0]?.content ?? '') as Compose;
  // Compose hands a label over with one `$` for two.
  const labels = Object.fromEntries(Object.entries(services.gateway.labels).map(([key, value]) => [key, value.replaceAll('$$', '$')]));
  const docker = await fakeDocker({ project: name, service: 'gateway', labels, ports: [gateway.listen.https] });
  const provider = { endpoint: `tcp://127.0.0.1:${docker.port}`, exposedByDefault: false };
  return {
    change: (read, write) => {
      const { http, ...rest } = parse(read('dynamic/gatewright.yml')) as { http?: object };
      if (!http) throw new Error('there is no routing in the file to begin with');
      write('dynamic/gatewright.yml', stringify(rest));
      const config = parse(read('traefik.yml')) as { providers: object };
      write('traefik.yml', stringify({ ...config, providers: { ...config.providers, docker: provider } }));
    },
    close: () => {
      docker.server.closeAllConnections();
      docker.server.close();
    },
  };
}
