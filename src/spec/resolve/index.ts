import type { Gateway, ProxyName, ServerTls, Verifiers } from '../../gateway/types.ts';
import { DEFAULT_BODY } from '../../gateway/well-formed.ts';
import { hasErrors, type Problem } from '../../problems/problem.ts';
import type { SpecDocument } from '../document.ts';
import { notYet } from '../not-yet.ts';
import type { Spec } from '../schema.ts';
import { resolveAccess } from './access.ts';
import { checkSubnet, resolveDeploy } from './deploy.ts';
import { resolveModels } from './models.ts';
import { type Report, reportInto } from './report.ts';
import { grantedRoutes, resolveClients, resolveRoles } from './roles.ts';

const DEFAULTS = { body: DEFAULT_BODY, concurrent: 64, failures: { count: 10, seconds: 60 } };

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
  const roles = resolveRoles(spec, models, deploy, report);
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
      // Traefik's own redirect would send on what showed a secret.
      http:
        spec.listen?.http === undefined ? (compose && !deploy.native ? 80 : null) : spec.listen.http === 'off' ? null : spec.listen.http,
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
