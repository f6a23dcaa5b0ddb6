import { createKey, liveKeys, readKeys, revokeKeys } from '../credentials/api-key.ts';
import { changeState } from '../credentials/state.ts';
import type { Method } from '../gateway/expression.ts';
import { type Project, requireProject } from '../pipeline.ts';
import { stop } from '../problems/problem.ts';
import { settle } from './generate.ts';
import { type CommonOptions, EXIT, out, say, table, tools } from './io.ts';
import { expiryOf } from './life.ts';

/** The client must be one, and the credential must open something. */
export function requireUse(project: Project, client: string, method: Method): void {
  const { clients, access } = project.gateway;
  if (!clients.some((one) => one.name === client))
    throw stop('unknown-client', `"${client}" is not a client of ${project.file}`, `gatewright client add ${client}`);
  if (!access.methods.includes(method))
    throw stop('unused-method', `\`require\` does not name ${method}, so it would open nothing`, `require: ${access.text}`);
}

export async function create(client: string, options: CommonOptions & { expires?: string; note?: string }): Promise<number> {
  const project = requireProject(options.file);
  requireUse(project, client, 'apiKey');
  const { now, random } = tools();
  const expires = expiryOf(options.expires, now);
  const { secret, stored } = changeState(project.paths, () =>
    createKey(project.paths, { client, created: now, expires, ...(options.note ? { note: options.note } : {}) }, random),
  );
  if (options.json) out(JSON.stringify({ schemaVersion: 1, id: stored.id, client, key: secret.reveal(), expires: stored.expires }));
  else out(secret.reveal());
  say(
    options,
    `key ${stored.id} of ${client}, ${stored.expires ? `until ${stored.expires.slice(0, 10)}` : 'without end'}; it is shown this once and kept nowhere`,
  );
  settle(options);
  return EXIT.ok;
}

export async function list(options: CommonOptions): Promise<number> {
  const { paths } = requireProject(options.file);
  const live = new Set(liveKeys(paths).map((key) => key.id));
  const now = Date.now();
  const rows = readKeys(paths).map((key) => ({
    id: key.id,
    client: key.client,
    created: key.created,
    expires: key.expires,
    status: !live.has(key.id) ? 'revoked' : key.expires !== null && Date.parse(key.expires) <= now ? 'expired' : 'live',
  }));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, keys: rows }));
  else
    out(
      table([
        ['id', 'client', 'created', 'expires', 'status'],
        ...rows.map((row) => [row.id, row.client, row.created.slice(0, 10), row.expires?.slice(0, 10) ?? 'never', row.status]),
      ]),
    );
  return EXIT.ok;
}

export async function revoke(client: string, id: string | undefined, options: CommonOptions & { all?: boolean }): Promise<number> {
  const { paths } = requireProject(options.file);
  const revoked = changeState(paths, () => revokeKeys(paths, client, options.all ? 'all' : id ? { id } : 'only', new Date()));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, revoked: revoked.map((key) => key.id) }));
  say(options, `revoked ${revoked.map((key) => key.id).join(', ')} of ${client}`);
  settle(options);
  return EXIT.ok;
}
