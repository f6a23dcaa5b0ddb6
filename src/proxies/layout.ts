import { inContainer } from '../gateway/container.ts';
import type { Gateway } from '../gateway/types.ts';
import type { Layout } from './proxy.ts';

/** The way from an engine's folder to the project: `../../` for `gateway/nginx`. */
export function projectFrom(layout: Layout): string {
  return '../'.repeat(layout.output.split('/').length + 1);
}

/** The certificates that every engine reads, as seen from its folder. In a container all of them lie at one place. */
export function certificateFiles(
  gateway: Gateway,
  layout: Layout,
  project = projectFrom(layout),
): { certificate: string; key: string; clientCa: string } {
  const from = (path: string): string => (path.startsWith('/') ? path : project + path);
  const own = gateway.tls.kind === 'files' && gateway.deploy.kind !== 'compose' ? gateway.tls : null;
  return {
    certificate: from(own?.cert ?? 'private/run/tls/cert.pem'),
    key: from(own?.key ?? 'private/run/tls/key.pem'),
    clientCa: from(`credentials/${gateway.verifiers.clientCa ?? 'ca/clients.pem'}`),
  };
}

/** A health check for images that have bash and no HTTP client. */
export function healthByBash(path: string, status: number): string[] {
  const ask = `printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' ${status} ' <&3`;
  return ['CMD', 'bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${inContainer.health} && ${ask}`];
}
