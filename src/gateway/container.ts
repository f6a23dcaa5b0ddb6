import type { Gateway } from './types.ts';

/** What the inside of the compose deployment looks like; the engine's config and the compose file must agree on it. */
export const inContainer = {
  /** High ports, so that the gateway needs no capability. */
  https: 8443,
  http: 8080,
  /** On the container's loopback alone. */
  health: 8081,
  /** Likewise; where an engine asks itself about passwords. */
  passwords: 8082,
  /** The project's root inside every container. */
  root: '/etc/gatewright',
  /** The name of the compose project, so that several gateways of one machine stay apart. */
  project(gateway: Gateway): string {
    return `gatewright-${(gateway.hosts[0] ?? 'gateway').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')}`;
  },
  /** The pinned address of a model's server on the inner network, or undefined for an upstream that runs elsewhere. */
  addressOf(gateway: Gateway, modelId: string): string | undefined {
    if (gateway.deploy.kind !== 'compose') return undefined;
    const index = gateway.models.findIndex((model) => model.id === modelId && model.run !== null);
    return index < 0 ? undefined : hostOf(gateway.deploy.subnet.hex, FIRST_MODEL + index);
  },
  /** The gateway's own address on the inner network. */
  gatewayAddress(gateway: Gateway): string | undefined {
    return gateway.deploy.kind === 'compose' ? hostOf(gateway.deploy.subnet.hex, 2) : undefined;
  },
};

/** Docker takes the first address for the bridge; the gateway has the second. */
const FIRST_MODEL = 3;

function hostOf(networkHex: string, host: number): string {
  const value = Number.parseInt(networkHex.slice(24), 16) + host;
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
