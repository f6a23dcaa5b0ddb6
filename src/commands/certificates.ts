import { dirname, resolve } from 'node:path';
import { statePaths } from '../credentials/paths.ts';
import { revokedIds } from '../credentials/revocations.ts';
import { changeState } from '../credentials/state.ts';
import { createAuthority, issueClientCertificate, revokeCertificates } from '../pki/authority.ts';
import { readIndex } from '../pki/inventory.ts';
import { requireProject } from '../pipeline.ts';
import { settle } from './generate.ts';
import { type CommonOptions, EXIT, out, say, table, tools } from './io.ts';
import { requireUse } from './key.ts';
import { daysOf } from './life.ts';

/** A spec that asks for mtls does not resolve without its CA, so this command does not read it. */
export async function initCa(options: CommonOptions): Promise<number> {
  const paths = statePaths(dirname(resolve(options.file)));
  const certificate = changeState(paths, () => createAuthority(paths, 'clients', tools()));
  say(options, `made ${paths.clientCa}, valid until ${certificate.validTo}`);
  say(options, `its key is ${paths.caKeys}/clients.key and belongs on no server`);
  return EXIT.ok;
}

export async function issue(client: string, options: CommonOptions & { days?: string }): Promise<number> {
  const project = requireProject(options.file);
  requireUse(project, client, 'mtls');
  const days = daysOf(options.days);
  const { stored, folder } = changeState(project.paths, () => issueClientCertificate(project.paths, client, days, tools()));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, serial: stored.serial, client, notAfter: stored.notAfter, folder }));
  else out(`${folder}/client.pem`);
  say(options, `certificate ${stored.serial} of ${client}, until ${stored.notAfter.slice(0, 10)}`);
  settle(options);
  return EXIT.ok;
}

export async function list(options: CommonOptions): Promise<number> {
  const { paths } = requireProject(options.file);
  const revoked = revokedIds(paths, 'certificate');
  const now = Date.now();
  const rows = readIndex(paths).certificates.map((c) => ({
    serial: c.serial,
    client: c.client,
    notAfter: c.notAfter,
    status: revoked.has(c.serial) ? 'revoked' : c.status === 'pending' ? 'pending' : Date.parse(c.notAfter) <= now ? 'expired' : 'live',
  }));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, certificates: rows }));
  else
    out(
      table([
        ['serial', 'client', 'until', 'status'],
        ...rows.map((row) => [row.serial, row.client, row.notAfter.slice(0, 10), row.status]),
      ]),
    );
  return EXIT.ok;
}

export async function revoke(client: string, serial: string | undefined, options: CommonOptions & { all?: boolean }): Promise<number> {
  const { paths } = requireProject(options.file);
  const revoked = changeState(paths, () =>
    revokeCertificates(paths, client, options.all ? 'all' : serial ? { id: serial.toUpperCase() } : 'only', new Date()),
  );
  if (options.json) out(JSON.stringify({ schemaVersion: 1, revoked: revoked.map((c) => c.serial) }));
  say(options, `revoked ${revoked.map((c) => c.serial).join(', ')} of ${client}; the CRL is new as well`);
  settle(options);
  return EXIT.ok;
}
