import type { Gateway } from '../gateway/types.ts';
import { PROXIES } from '../proxies/index.ts';
import type { Proxy } from '../proxies/proxy.ts';

/** An engine of a gateway as a compose service. With a list of proxies each has a profile of its name. */
export interface EngineService {
  readonly proxy: Proxy;
  readonly service: string;
  readonly profile: string | null;
}

export function engineServices(gateway: Gateway): EngineService[] {
  const engines = PROXIES.filter((proxy) => gateway.proxies.includes(proxy.name));
  return engines.map((proxy) =>
    engines.length === 1 ? { proxy, service: 'gateway', profile: null } : { proxy, service: `gateway-${proxy.name}`, profile: proxy.name },
  );
}

/** What people type to run an engine. */
export interface EngineCommands {
  readonly name: string;
  readonly start: string;
  readonly reload: string;
  /** Whether new keys, clients and passwords take effect without a reload. */
  readonly rereads: boolean;
  readonly note: string;
}

/** What it reads by itself needs no more than a restart; what stands in the compose file, such as labels, takes a new container. */
function reloadOf(compose: string, service: string, inContainer: string | null, rereads: boolean): string {
  if (inContainer !== null) return `${compose}exec ${service} ${inContainer}`;
  return rereads ? `${compose}restart ${service}` : `GATEWRIGHT_UID=$(id -u) GATEWRIGHT_GID=$(id -g) ${compose}up -d`;
}

/** The commands for each engine: of Docker Compose from `folder` (the folder of the compose file), or of the engine itself from the folder of the spec. */
export function engineCommands(gateway: Gateway, output: string, folder = ''): EngineCommands[] {
  return engineServices(gateway).map(({ proxy, service, profile }) => {
    const { start, reload, reloadInContainer, rereads, note } = proxy.operation({ output }, gateway);
    if (gateway.deploy.kind !== 'compose') return { name: proxy.name, start, reload, rereads, note };
    const compose = `docker compose ${folder === '' ? '' : `-f ${folder}/docker-compose.yml `}${profile === null ? '' : `--profile ${profile} `}`;
    return {
      name: proxy.name,
      start: `GATEWRIGHT_UID=$(id -u) GATEWRIGHT_GID=$(id -g) ${compose}up -d`,
      reload: reloadOf(compose, service, reloadInContainer, rereads),
      rereads,
      note: '',
    };
  });
}
