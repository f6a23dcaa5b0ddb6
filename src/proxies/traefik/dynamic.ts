import type { Gateway } from '../../gateway/types.ts';
import { certificateFiles } from '../layout.ts';
import type { Layout } from '../proxy.ts';
import { PLUGIN } from './static.ts';

type Routing = {
  readonly routers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly middlewares: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

/** Whatever comes: also what is no path, such as `*`. */
const ANYTHING = 'PathPrefix(`/`) || !PathPrefix(`/`)';

/**
 * Routers and middlewares: the one object behind the file and the labels. The service answers nothing, so a router that
 * loses its gate loses everything; the gate itself is the proxy (docs/decisions/0008).
 */
export function routing(gateway: Gateway): Routing {
  const plain = gateway.listen.http !== null;
  const router = (entryPoint: string, middleware: string, tls: boolean) => ({
    entryPoints: [entryPoint],
    rule: ANYTHING,
    priority: 1,
    middlewares: [middleware],
    service: 'noop@internal',
    ...(tls ? { tls: {} } : {}),
  });
  const gate = (listener: string) => ({ plugin: { [PLUGIN]: { folder: '.', listener } } });
  return {
    routers: {
      gatewright: router('https', 'gatewright', true),
      ...(plain ? { 'gatewright-plain': router('http', 'gatewright-plain', false) } : {}),
    },
    middlewares: { gatewright: gate('https'), ...(plain ? { 'gatewright-plain': gate('http') } : {}) },
  };
}

/** What labels cannot say: certificates and TLS options. They are the defaults, so that no router can have others. */
export function tlsConfig(gateway: Gateway, layout: Layout): Record<string, unknown> {
  const files = certificateFiles(gateway, layout);
  const pair = { certFile: files.certificate, keyFile: files.key };
  return {
    certificates: [pair],
    stores: { default: { defaultCertificate: pair } },
    options: {
      default: {
        minVersion: 'VersionTLS12',
        ...(gateway.access.methods.includes('mtls')
          ? { clientAuth: { caFiles: [files.clientCa], clientAuthType: 'VerifyClientCertIfGiven' } }
          : {}),
      },
    },
  };
}

/** The same object as labels: one word a label, lists joined by commas, as Traefik's label parser reads them. */
export function labelsOf(value: unknown, prefix: string): Record<string, string> {
  if (Array.isArray(value)) return { [prefix]: value.join(',') };
  if (typeof value !== 'object' || value === null) return { [prefix]: String(value) };
  const entries = Object.entries(value);
  if (entries.length === 0) return { [prefix]: 'true' };
  return Object.assign(
    {},
    ...entries.map(([key, inner]) => labelsOf(inner, `${prefix}.${key.toLowerCase() === key ? key : key.toLowerCase()}`)),
  ) as Record<string, string>;
}
