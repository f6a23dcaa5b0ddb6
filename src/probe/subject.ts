import { randomInt } from 'node:crypto';
import { chownSync, lchownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, liveKeys, revokeKeys } from '../credentials/api-key.ts';
import { setPassword } from '../credentials/htpasswd.ts';
import { type StatePaths, statePaths } from '../credentials/paths.ts';
import { Secret } from '../credentials/secret.ts';
import { changeState } from '../credentials/state.ts';
import { makePrivateDirectory, writeAtomic } from '../credentials/store.ts';
import { parseCidr } from '../gateway/address.ts';
import type { JwtAlgorithm } from '../gateway/token.ts';
import type { Gateway, ProxyName } from '../gateway/types.ts';
import { applyChanges, planChanges } from '../output/plan.ts';
import { createAuthority, issueClientCertificate, revokeCertificates, type Tools } from '../pki/authority.ts';
import { liveCertificates } from '../pki/inventory.ts';
import { readVerifiers, renderGateway } from '../pipeline.ts';
import { derivePrivateFiles } from '../private-files.ts';
import { prepare, writeUpstreamKey } from '../prepare.ts';
import { ProblemError, stop } from '../problems/problem.ts';
import type { Spec } from '../spec/schema.ts';
import { resolveSpec } from '../spec/resolve/index.ts';
import { atExit } from './at-exit.ts';
import { runAs } from './engines/process.ts';
import { makeIssuer, type TokenIssuer } from './issuer.ts';

/** Addresses of loopback stand for the world: from here requests come as through a trusted proxy. */
export const TRUSTED_PEER = '127.0.0.9';
const OUTPUT = 'gateway';
/** In private/, because it may hold shared secrets. */
const JWKS = 'private/jwks.json';
const DAY = 86_400_000;

/** What one client of the spec can show. All of it was made for this run and ends with it. */
export interface Credentials {
  readonly client: string;
  readonly key: string;
  readonly expiredKey: string;
  readonly revokedKey: string;
  readonly password: string;
  readonly certificate: { readonly cert: string; readonly key: string; readonly file: string } | null;
  readonly revokedCertificate: { readonly cert: string; readonly key: string } | null;
}

/** The gateway of a spec on loopback, with credentials of its own. */
export interface Subject {
  readonly proxy: ProxyName;
  /** The spec as it was changed for the run. */
  readonly spec: Spec;
  readonly gateway: Gateway;
  readonly paths: StatePaths;
  readonly output: string;
  readonly ca: string;
  readonly cast: readonly Credentials[];
  /** A certificate of a CA that the gateway does not know. */
  readonly foreignCertificate: { readonly cert: string; readonly key: string } | null;
  /** The identity provider, where the spec has one. */
  readonly issuer: TokenIssuer | null;
  readonly upstreamKey: string;
  /** What differs from the user's spec, for people. */
  readonly changes: readonly string[];
  remove(): void;
}

export interface SubjectOptions {
  /** Port of the double. */
  readonly upstream: number;
  readonly tools: Tools;
  /** `try` is opened by people, who say localhost. */
  readonly addLocalhost?: boolean;
  /** The engine that the subject is for. */
  readonly proxy: ProxyName;
  /** What the identity provider that stands for the spec's own signs with. */
  readonly algorithms?: readonly JwtAlgorithm[];
  /** How many clients of each role get credentials. */
  readonly perRole?: number;
}

/** Makes the subject in a folder of its own. The rest of the spec stays as the user wrote it. */
export async function makeSubject(spec: Spec, options: SubjectOptions): Promise<Subject> {
  if (
    spec.deploy &&
    'compose' in spec.deploy &&
    spec.deploy.compose &&
    'gate' in spec.deploy.compose &&
    spec.deploy.compose.gate === 'native'
  )
    throw stop(
      'native-not-judged',
      'with gate: native Traefik decides in words of its own, which the truth table does not judge',
      'leave gate: native out to see the gate judged; gatewright verify asks a running server',
    );
  const { tools } = options;
  const [https, http] = await freePorts();
  const withHttp = spec.listen?.http === undefined ? spec.deploy === undefined || 'compose' in spec.deploy : spec.listen.http !== 'off';
  const trusted = parseCidr(`${TRUSTED_PEER}/32`);
  if (!trusted) throw new Error('the trusted peer does not parse');
  const changed: Spec = {
    ...spec,
    proxy: [options.proxy],
    deploy: { host: {} },
    hosts: options.addLocalhost ? [...new Set(['localhost', ...spec.hosts])] : spec.hosts,
    listen: {
      ...spec.listen,
      bind: '127.0.0.1',
      https,
      http: withHttp ? http : 'off',
      trustedProxies: [...(spec.listen?.trustedProxies ?? []), trusted],
    },
    tls: { selfSigned: true },
    auth: spec.auth.jwt ? { ...spec.auth, jwt: { ...spec.auth.jwt, keys: JWKS } } : spec.auth,
    models: spec.models.map((model) => ({
      ...((model.name ?? model.run) ? { name: model.name ?? model.run?.split('/').at(-1)?.toLowerCase() } : {}),
      ...(model.aliases ? { aliases: model.aliases } : {}),
      upstream: `http://127.0.0.1:${options.upstream}`,
      key: model.key ?? (model.run === undefined ? 'none' : 'required'),
    })) as Spec['models'],
  };
  const directory = mkdtempSync(join(tmpdir(), 'gatewright-'));
  const erase = (): void => rmSync(directory, { recursive: true, force: true });
  const forget = atExit(erase);
  const remove = (): void => {
    forget();
    erase();
  };
  try {
    return { ...build(changed, statePaths(directory), options, tools), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function build(spec: Spec, paths: StatePaths, options: SubjectOptions, tools: Tools): Omit<Subject, 'remove'> {
  const mtls = /\bmtls\b/.test(spec.auth.require);
  changeState(paths, () => {
    if (mtls) createAuthority(paths, 'clients', tools);
  });
  const issuer = spec.auth.jwt ? makeIssuer(options.algorithms ?? ['RS256', 'ES256']) : null;
  if (issuer) writeAtomic(join(paths.project, JWKS), issuer.jwks, 0o600);
  const first = resolved(spec, paths);
  prepare(paths, first, tools);
  const upstreamKey = Buffer.from(tools.random(24)).toString('hex');
  const people = chooseCast(first, options.perRole ?? 2);
  const cast = changeState(paths, () => {
    for (const model of first.models) if (model.keyRequired) writeUpstreamKey(paths, model.id, new Secret(upstreamKey), false);
    return people.map((client) => makeCredentials(paths, first, client, tools));
  });
  const gateway = resolved(spec, paths);
  write(paths, gateway);
  const foreignCertificate = mtls ? makeForeign(paths, people[0] ?? 'nobody', tools) : null;
  giveTo(paths.project);
  return {
    proxy: options.proxy,
    spec,
    gateway,
    paths,
    output: OUTPUT,
    ca: readFileSync(paths.serverCa, 'utf8'),
    cast,
    foreignCertificate,
    issuer,
    upstreamKey,
    changes: [
      `proxy: ${options.proxy}`,
      'deploy: host',
      `listen: 127.0.0.1:${gateway.listen.https}${gateway.listen.http === null ? '' : ` and :${gateway.listen.http}`}, trustedProxies also ${TRUSTED_PEER}/32`,
      `upstreams: a vLLM double on 127.0.0.1:${options.upstream}`,
      `credentials${issuer ? ', an identity provider' : ''} and TLS: made for this run`,
      ...(options.addLocalhost ? ['hosts: also localhost'] : []),
    ],
  };
}

function write(paths: StatePaths, gateway: Gateway): void {
  const folder = join(paths.project, OUTPUT);
  applyChanges(folder, planChanges(folder, renderGateway(gateway, OUTPUT)));
  changeState(paths, () => derivePrivateFiles(paths, gateway, OUTPUT));
}

/** Writes the gateway again, as `generate` does after credentials have changed. What runs may still have to be reloaded. */
export function regenerate({ spec, paths }: Pick<Subject, 'spec' | 'paths'>): void {
  write(paths, resolved(spec, paths));
  giveTo(paths.project);
}

function resolved(spec: Spec, paths: StatePaths): Gateway {
  const { verifiers, problems: unreadable } = readVerifiers(paths, spec);
  if (unreadable.length > 0) throw new Error(unreadable.map(({ message }) => message).join('; '));
  const { gateway, problems } = resolveSpec(spec, verifiers, null);
  if (!gateway) throw new ProblemError(problems);
  return gateway;
}

/** Some clients of each role, and whoever an address stands for. */
function chooseCast(gateway: Gateway, perRole: number): string[] {
  const chosen = gateway.roles.flatMap((role) => gateway.clients.filter((client) => client.role === role.name).slice(0, perRole));
  const names = [...chosen.map((client) => client.name), ...(gateway.access.addressClient ? [gateway.access.addressClient] : [])];
  return [...new Set(names)];
}

function makeCredentials(paths: StatePaths, gateway: Gateway, client: string, tools: Tools): Credentials {
  const { methods } = gateway.access;
  const created = tools.now;
  const make = (expires: Date | null) => createKey(paths, { client, created, expires }, tools.random);
  const key = make(new Date(tools.now.getTime() + DAY));
  const expired = make(new Date(tools.now.getTime() - 60_000));
  const revoked = make(null);
  revokeKeys(paths, client, { id: revoked.stored.id }, tools.now);
  const password = `pw ${Buffer.from(tools.random(9)).toString('base64url')}:é"\\$#`;
  if (methods.includes('basic')) setPassword(paths, client, new Secret(password), tools.random);
  let certificate: Credentials['certificate'] = null;
  let revokedCertificate: Credentials['revokedCertificate'] = null;
  if (methods.includes('mtls')) {
    const dead = issueClientCertificate(paths, client, 1, tools);
    revokedCertificate = {
      cert: readFileSync(join(dead.folder, 'cert.pem'), 'utf8'),
      key: readFileSync(join(dead.folder, 'key.pem'), 'utf8'),
    };
    revokeCertificates(paths, client, { id: dead.stored.serial }, tools.now);
    const live = issueClientCertificate(paths, client, 1, tools);
    certificate = {
      cert: readFileSync(join(live.folder, 'cert.pem'), 'utf8'),
      key: readFileSync(join(live.folder, 'key.pem'), 'utf8'),
      file: join(live.folder, 'client.pem'),
    };
  }
  return {
    client,
    key: key.secret.reveal(),
    expiredKey: expired.secret.reveal(),
    revokedKey: revoked.secret.reveal(),
    password,
    certificate,
    revokedCertificate,
  };
}

function makeForeign(paths: StatePaths, client: string, tools: Tools): { cert: string; key: string } {
  const elsewhere = statePaths(join(paths.project, 'foreign'));
  makePrivateDirectory(elsewhere.project);
  return changeState(elsewhere, () => {
    createAuthority(elsewhere, 'clients', tools);
    const { folder } = issueClientCertificate(elsewhere, client, 1, tools);
    return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
  });
}

/** The engine runs as nobody when root runs the probe, and must read what it is given. */
export function giveTo(directory: string): void {
  const as = runAs();
  if (!as) return;
  chownSync(directory, as.uid, as.gid);
  for (const entry of readdirSync(directory, { recursive: true })) lchownSync(join(directory, entry.toString()), as.uid, as.gid);
}

/** Ports below those that the system hands to outgoing connections, so that none of them takes one meanwhile. */
const PORTS = { from: 20_000, to: 32_000 };

/** Two different ports of loopback that nobody listens on. */
async function freePorts(): Promise<[number, number]> {
  const first = await freePort();
  let second = await freePort();
  while (Math.abs(second - first) < 2) second = await freePort();
  return [first, second];
}

/** The one after it is free too: an engine may want a port of its own there. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Key digests and live fingerprints of a subject, for the world of `decide()`. */
export function subjectVerifiers(subject: Subject): {
  keys: ReturnType<typeof liveKeys>;
  certificates: ReturnType<typeof liveCertificates>;
} {
  return { keys: liveKeys(subject.paths), certificates: liveCertificates(subject.paths) };
}
