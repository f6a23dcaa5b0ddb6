import { cidrsOverlap, parseCidr } from '../../gateway/address.ts';
import type { Gateway, ProxyName, ServerTls, Verifiers } from '../../gateway/types.ts';
import { hasErrors, type Problem } from '../../problems/problem.ts';
import type { SpecDocument } from '../document.ts';
import { notYet } from '../not-yet.ts';
import type { Spec } from '../schema.ts';
import { resolveAccess } from './access.ts';
import { resolveModels } from './models.ts';
import { type Report, reportInto } from './report.ts';
import { grantedRoutes, resolveClients, resolveRoles } from './roles.ts';

/** RFC 1918 space that Docker does not hand out by default, so it rarely meets an existing network. */
const DEFAULT_SUBNET = '172.31.237.0/24';
const DEFAULTS = { body: 20_000_000, concurrent: 64, failures: { count: 10, seconds: 60 } };

export interface Resolved {
  /** Null when a problem is an error. */
  readonly gateway: Gateway | null;
  readonly problems: readonly Problem[];
}

/**
 * Turns what the user wrote into what must be true of any engine. Every default is decided here and nowhere else.
 * A spec that admits a nameless caller, or that asks for what this version cannot enforce, gives an error.
 */
export function resolveSpec(spec: Spec, verifiers: Verifiers, document: SpecDocument | null): Resolved {
  const problems: Problem[] = [];
  const report = reportInto(problems, (path, offset) => {
    // `auth: X` is short for `auth: {require: X}`: the place of the long form is the place of the short one.
    return document?.at(path, offset);
  });
  for (const { path, message, hint } of notYet(spec)) report('not-yet', path, message, hint ? { hint } : {});
  const deploy = resolveDeploy(spec, report);
  const access = resolveAccess(spec, verifiers.jwtKeys, report);
  const models = resolveModels(spec, report);
  const roles = resolveRoles(spec, models, report);
  const clients = resolveClients(spec, roles, report);
  checkHosts(spec, report);
  checkCors(spec, report);
  checkTrusted(spec, report);
  if (deploy.kind === 'compose') checkSubnet(spec, deploy, access?.branches ?? [], report);
  if (access?.methods.includes('mtls') && verifiers.clientCa === null)
    report('missing-ca', ['auth'], 'client certificates are asked for, but there is no CA to issue them', { hint: 'gatewright ca init' });
  if (!access || hasErrors(problems)) return { gateway: null, problems };
  const compose = deploy.kind === 'compose';
  const names = new Set(clients.map((client) => client.name));
  const gateway: Gateway = {
    proxies: (spec.proxy ?? ['nginx']) as ProxyName[],
    deploy,
    hosts: spec.hosts,
    listen: {
      bind: spec.listen?.bind ?? '0.0.0.0',
      https: spec.listen?.https ?? (compose ? 443 : 8443),
      http: spec.listen?.http === undefined ? (compose ? 80 : null) : spec.listen.http === 'off' ? null : spec.listen.http,
      trustedProxies: spec.listen?.trustedProxies ?? [],
    },
    tls: resolveTls(spec),
    models,
    access,
    routes: grantedRoutes(roles),
    roles,
    clients,
    limits: {
      body: spec.limits?.body ?? DEFAULTS.body,
      concurrent: spec.limits?.concurrent ?? DEFAULTS.concurrent,
      failures: spec.limits?.failures ?? DEFAULTS.failures,
    },
    cors: spec.cors ?? [],
    forwardHeaders: (spec.forwardHeaders ?? []).map((name) => name.toLowerCase()),
    verifiers: {
      ...verifiers,
      keys: verifiers.keys.filter((key) => names.has(key.client)),
      certificates: verifiers.certificates.filter((cert) => names.has(cert.client)),
    },
  };
  return { gateway, problems };
}

function resolveDeploy(spec: Spec, report: Report): Gateway['deploy'] {
  const wanted = spec.deploy ?? { compose: {} };
  if (!('compose' in wanted) || wanted.compose === undefined) return { kind: 'host' };
  const compose: { subnet?: Gateway['listen']['trustedProxies'][number] | undefined; image?: string | undefined } = wanted.compose;
  const subnet = compose.subnet ?? parseCidr(DEFAULT_SUBNET);
  if (!subnet) throw new Error('the default subnet does not parse');
  if (subnet.bits < 96 || subnet.bits > 124)
    report('invalid-value', ['deploy', 'compose', 'subnet'], 'the subnet must be an IPv4 network of at least eight addresses');
  return { kind: 'compose', subnet, image: compose.image ?? null };
}

function resolveTls(spec: Spec): ServerTls {
  return spec.tls && 'cert' in spec.tls ? { kind: 'files', cert: spec.tls.cert, key: spec.tls.key } : { kind: 'self-signed' };
}

function checkHosts(spec: Spec, report: Report): void {
  for (const [i, host] of spec.hosts.entries())
    if (spec.hosts.indexOf(host) !== i) report('duplicate-name', ['hosts', i], `the host "${host}" is here twice`);
}

function checkCors(spec: Spec, report: Report): void {
  for (const [i, origin] of (spec.cors ?? []).entries()) {
    if (!/^https?:\/\/[a-z0-9.[\]:-]+$/.test(origin))
      report('cors-origin', ['cors', i], `"${origin}" is not an origin`, {
        hint: 'write scheme and host in lower case, such as https://chat.example.com; * and null are refused',
      });
  }
}

function checkTrusted(spec: Spec, report: Report): void {
  for (const [i, range] of (spec.listen?.trustedProxies ?? []).entries()) {
    if (range.bits === 0 || (range.bits <= 96 && range.hex.startsWith('00000000000000000000ffff')))
      report('trusted-everyone', ['listen', 'trustedProxies', i], `${range.text} trusts every caller to name its own address`);
  }
}

function checkSubnet(
  spec: Spec,
  deploy: Extract<Gateway['deploy'], { kind: 'compose' }>,
  branches: readonly (readonly string[])[],
  report: Report,
): void {
  const ranges = [
    ...(spec.auth.ip?.allow ?? []).map((range, i) => ({ range, path: ['auth', 'ip', 'allow', i] })),
    ...(spec.listen?.trustedProxies ?? []).map((range, i) => ({ range, path: ['listen', 'trustedProxies', i] })),
  ];
  for (const { range, path } of ranges) {
    if (cidrsOverlap(range, deploy.subnet))
      report('address-overlap', path, `${range.text} overlaps the compose subnet ${deploy.subnet.text}, where every caller may appear`, {
        hint: 'choose another deploy.compose.subnet, or deploy: host',
      });
  }
  if (branches.some((branch) => branch.length === 1 && branch[0] === 'ip')) {
    report(
      'address-may-admit-all',
      ['auth', 'ip'],
      'an address alone admits a caller; with a userland proxy, rootless Docker or macOS every caller has the address of the bridge',
      { severity: 'warning', hint: 'join ip with a credential, or use deploy: host' },
    );
  }
}
