import { join, relative } from 'node:path';
import { createKey, liveKeys, revokeKeys } from '../credentials/api-key.ts';
import { readPasswords, removePassword, setPassword } from '../credentials/htpasswd.ts';
import type { Secret } from '../credentials/secret.ts';
import { changeState } from '../credentials/state.ts';
import { fileMode, makePrivateDirectory, writeAtomic } from '../credentials/store.ts';
import type { Method } from '../gateway/expression.ts';
import { CLIENT_NAME } from '../gateway/names.ts';
import { printRate } from '../gateway/quantity.ts';
import { issueClientCertificate, revokeCertificates } from '../pki/authority.ts';
import { liveCertificates } from '../pki/inventory.ts';
import { loadText, type Project, requireProject } from '../pipeline.ts';
import { ProblemError, stop } from '../problems/problem.ts';
import { SNIPPETS } from '../snippets/index.ts';
import { snippetContext, wayIn } from '../snippets/snippet.ts';
import { addClient, removeClient } from '../spec/edit.ts';
import { settle } from './generate.ts';
import { type CommonOptions, EXIT, out, say, table, tools } from './io.ts';
import { daysOf, expiryOf } from './life.ts';
import { generatePassword } from './password.ts';

export interface AddOptions extends CommonOptions {
  readonly role?: string;
  readonly key?: boolean;
  readonly cert?: boolean;
  readonly password?: boolean;
  readonly expires?: string;
  readonly days?: string;
}

interface HandOver {
  readonly client: string;
  readonly url: string;
  readonly key?: { secret: Secret; expires: string | null };
  readonly password?: Secret;
  readonly certificate?: { file: string; notAfter: string };
}

/** One person in one step: spec, credentials, output, and a note that can be handed over. */
export async function add(name: string, options: AddOptions): Promise<number> {
  if (!CLIENT_NAME.test(name))
    throw stop('invalid-name', `"${name}" cannot be the name of a client`, 'lower case letters, digits, ., _ and -, at most 63');
  const { paths } = requireProject(options.file);
  // The spec is read again under the lock: two commands at once must not lose one of the two clients.
  const given = changeState(paths, () => {
    const before = requireProject(options.file);
    if (before.gateway.clients.some((client) => client.name === name))
      throw stop('exists-already', `"${name}" is a client already`, `gatewright key create ${name} makes another key`);
    const text = addClient(before.document, { name, role: options.role ?? null });
    const edited = loadText(options.file, text);
    if (!edited.project) throw new ProblemError(edited.problems);
    // Credentials first: those of a client that the spec never gets are not in the output.
    const made = admit(edited.project, name, options);
    writeSpec(options.file, text);
    return made;
  });
  settle(options);
  printHandOver(requireProject(options.file), given, options);
  return EXIT.ok;
}

/** Makes the credentials of a client that the spec has, or is about to have. The caller holds the lock. */
export function admit(project: Project, name: string, options: AddOptions): HandOver {
  const wanted = wantedCredentials(project, name, options);
  const { now, random } = tools();
  const days = daysOf(options.days);
  const expires = expiryOf(options.expires, now);
  const { paths, gateway } = project;
  const port = gateway.listen.https === 443 ? '' : `:${gateway.listen.https}`;
  const made: { -readonly [K in keyof HandOver]: HandOver[K] } = { client: name, url: `https://${gateway.hosts[0]}${port}` };
  if (wanted.has('mtls')) {
    const { stored, folder } = issueClientCertificate(paths, name, days, { now, random });
    made.certificate = { file: relative(paths.project, join(folder, 'client.pem')), notAfter: stored.notAfter };
  }
  if (wanted.has('basic')) {
    makePrivateDirectory(paths.passwords);
    made.password = generatePassword(random);
    setPassword(paths, name, made.password, random);
  }
  if (wanted.has('apiKey')) {
    const { secret, stored } = createKey(paths, { client: name, created: now, expires }, random);
    made.key = { secret, expires: stored.expires };
  }
  return made;
}

function wantedCredentials(project: Project, name: string, options: AddOptions): Set<Method> {
  const asked = new Set<Method>([
    ...(options.key ? ['apiKey' as const] : []),
    ...(options.cert ? ['mtls' as const] : []),
    ...(options.password ? ['basic' as const] : []),
  ]);
  const { methods, branches, addressClient } = project.gateway.access;
  const useless = [...asked].filter((method) => !methods.includes(method));
  if (useless.length > 0)
    throw stop(
      'unused-method',
      `\`require\` does not name ${useless.join(', ')}, so it would open nothing`,
      `require: ${project.gateway.access.text}`,
    );
  if (asked.size > 0) return asked;
  const first = branches.find((branch) => branch.some((method) => method !== 'ip') || addressClient === name);
  return new Set(first?.filter((method) => method !== 'ip') ?? []);
}

function writeSpec(file: string, text: string): void {
  writeAtomic(file, text, fileMode(file) ?? 0o644);
}

/** What a person needs in order to start; the only time that secrets are shown. */
export function printHandOver(project: Project, given: HandOver, options: CommonOptions): void {
  if (options.json) {
    out(
      JSON.stringify({
        schemaVersion: 1,
        client: given.client,
        url: given.url,
        ...(given.key ? { key: given.key.secret.reveal(), keyExpires: given.key.expires } : {}),
        ...(given.password ? { password: given.password.reveal() } : {}),
        ...(given.certificate ? { certificate: given.certificate } : {}),
      }),
    );
    return;
  }
  const branch = wayIn(project.gateway, given.client, {
    key: given.key !== undefined,
    password: given.password !== undefined,
    certificate: given.certificate !== undefined,
  });
  const lines = [`For ${given.client}`, '', `  address   ${given.url}`];
  if (given.key)
    lines.push(
      `  key       ${given.key.secret.reveal()}   (${given.key.expires ? `until ${given.key.expires.slice(0, 10)}` : 'without end'}; shown this once)`,
    );
  if (given.password) lines.push(`  password  ${given.password.reveal()}   (shown this once)`);
  if (given.certificate)
    lines.push(`  file      ${given.certificate.file}   (key and certificate, until ${given.certificate.notAfter.slice(0, 10)})`);
  if (project.gateway.tls.kind === 'self-signed') lines.push('  trust     credentials/ca/server.pem');
  const snippet = branch ? SNIPPETS[0]?.render(snippetContext(project.gateway, given.client, branch)) : null;
  if (snippet)
    lines.push(
      '',
      `${given.key ? "export GATEWRIGHT_KEY='the key above'\n" : ''}${given.password ? "export GATEWRIGHT_PASSWORD='the password above'\n" : ''}${snippet.replace(/^#!.*\n/, '')}`,
    );
  if (!branch) lines.push('', `  These credentials alone satisfy no alternative of: ${project.gateway.access.text}`);
  out(lines.join('\n'));
}

export async function list(options: CommonOptions): Promise<number> {
  const { gateway, paths } = requireProject(options.file);
  const keys = liveKeys(paths);
  const passwords = readPasswords(paths);
  const certificates = liveCertificates(paths);
  const rows = gateway.clients.map((client) => ({
    name: client.name,
    role: client.role,
    keys: keys.filter((key) => key.client === client.name).length,
    certificates: certificates.filter((certificate) => certificate.client === client.name).length,
    password: passwords.has(client.name),
    requests: client.requests ? printRate(client.requests) : null,
    concurrent: client.concurrent,
  }));
  if (options.json) out(JSON.stringify({ schemaVersion: 1, clients: rows }));
  else
    out(
      table([
        ['client', 'role', 'keys', 'certificates', 'password', 'requests', 'concurrent'],
        ...rows.map((r) => [
          r.name,
          r.role,
          String(r.keys),
          String(r.certificates),
          r.password ? 'yes' : 'no',
          r.requests ?? '-',
          String(r.concurrent ?? '-'),
        ]),
      ]),
    );
  return EXIT.ok;
}

/** Removes a client and revokes everything it has: first the credentials, so that a crash leaves it locked out, not in. */
export async function remove(name: string, options: CommonOptions): Promise<number> {
  const { paths } = requireProject(options.file);
  const now = new Date();
  const revoked = changeState(paths, () => {
    const before = requireProject(options.file);
    const index = before.gateway.clients.findIndex((client) => client.name === name);
    if (index < 0)
      throw stop(
        'unknown-client',
        `"${name}" is not a client`,
        `clients: ${before.gateway.clients.map((client) => client.name).join(', ')}`,
      );
    const text = removeClient(before.document, index);
    const edited = loadText(options.file, text);
    if (!edited.project) throw new ProblemError(edited.problems);
    const done: string[] = [];
    if (liveKeys(paths).some((key) => key.client === name)) done.push(...revokeKeys(paths, name, 'all', now).map((key) => `key ${key.id}`));
    if (liveCertificates(paths).some((certificate) => certificate.client === name))
      done.push(...revokeCertificates(paths, name, 'all', now).map((certificate) => `certificate ${certificate.serial}`));
    if (removePassword(paths, name, tools().random)) done.push('password');
    writeSpec(options.file, text);
    return done;
  });
  say(options, `removed ${name}${revoked.length > 0 ? `; revoked ${revoked.join(', ')}` : ''}`);
  settle(options);
  return EXIT.ok;
}

/** A working client for what this person has. */
export async function snippet(name: string, options: CommonOptions & { for?: string }): Promise<number> {
  const { gateway, paths } = requireProject(options.file);
  if (!gateway.clients.some((client) => client.name === name)) throw stop('unknown-client', `"${name}" is not a client`);
  const chosen = SNIPPETS.find((one) => one.name === (options.for ?? 'curl'));
  if (!chosen)
    throw stop('not-found', `there is no snippet for "${options.for}"`, `there are: ${SNIPPETS.map((one) => one.name).join(', ')}`);
  const branch = wayIn(gateway, name, {
    key: liveKeys(paths).some((key) => key.client === name),
    password: readPasswords(paths).has(name),
    certificate: liveCertificates(paths).some((c) => c.client === name),
  });
  if (!branch)
    throw stop(
      'not-found',
      `"${name}" has no credentials that satisfy: ${gateway.access.text}`,
      `gatewright key create ${name}, password set, or cert issue`,
    );
  const text = chosen.render(snippetContext(gateway, name, branch));
  if (text === null) throw stop('not-found', `${chosen.title} cannot send ${branch.join(' and ')}`);
  out(text);
  return EXIT.ok;
}
