import type { Policy } from '../gateway/policy.ts';
import type { Artifact } from '../output/artifact.ts';
import { rateClass } from '../gateway/limits.ts';
import type { Gateway } from '../gateway/types.ts';

/*
 * What a gate looks up by a name that a request brings. The format is described in docs/policy.md: a first line that says
 * which policy it belongs to, then lines `key word …`, sorted by their bytes, so that a gate may search without reading all.
 */

/** Which fact about a certificate an engine can see. */
export type CertificateKey = 'sha256' | 'serial';

/** The look-up files of an engine, below its folder. They hold nothing secret and change with every credential. */
export function lookUpFiles(gateway: Gateway, policy: Policy, folder: string, certificateKey: CertificateKey): Artifact[] {
  const { clients, verifiers } = gateway;
  const file = (name: string, lines: (readonly [key: string, rest: string])[]): Artifact => ({
    path: `${folder}/${name}`,
    content: `# policy ${policy.hash}\n${[...new Map(lines)]
      .map(([key, rest]) => `${key} ${rest}\n`)
      .sort((a, b) => (a < b ? -1 : 1))
      .join('')}`,
  });
  return [
    file(
      'api-keys.txt',
      verifiers.keys.map((key) => [key.sha256, `${key.client} ${key.expires ?? 0}`]),
    ),
    file(
      'clients.txt',
      clients.map((client) => [client.name, `${client.role} ${rateClass(client.requests) || '-'} ${client.concurrent ?? '-'}`]),
    ),
    file(
      'certificates.txt',
      verifiers.certificates.map((certificate) => [certificate[certificateKey], certificate.client]),
    ),
  ];
}
