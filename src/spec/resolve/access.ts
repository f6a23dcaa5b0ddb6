import {
  branchesOf,
  countBranches,
  MAX_BRANCHES,
  type Method,
  methodsOf,
  parseExpression,
  twoAuthorizations,
} from '../../gateway/expression.ts';
import type { Access } from '../../gateway/types.ts';
import type { JwtKey } from '../../gateway/token.ts';
import type { Spec } from '../schema.ts';
import type { Report } from './report.ts';

const AUTHORIZATION_METHODS: readonly Method[] = ['basic', 'jwt'];
const DEFAULT_KEY_HEADERS = ['Authorization', 'X-API-Key'];

/** Headers that already mean something else and so can carry no key. */
const TAKEN_HEADERS = [
  'host',
  'origin',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'upgrade',
  'cookie',
  'x-forwarded-for',
  'x-request-id',
];

/** `auth` as branches; null when it does not hold together. */
export function resolveAccess(spec: Spec, jwtKeys: readonly JwtKey[], report: Report): Access | null {
  const { auth } = spec;
  const path = Array.isArray(auth) ? [] : ['auth'];
  const requirePath = [...path, 'require'];
  const parsed = parseExpression(auth.require);
  if ('error' in parsed) {
    report('require-syntax', requirePath, parsed.error.message, { offset: parsed.error.offset });
    return null;
  }
  const { expression } = parsed;
  const methods = methodsOf(expression);
  if (countBranches(expression) > MAX_BRANCHES * MAX_BRANCHES) {
    report(
      'require-too-wide',
      requirePath,
      `the expression has ${countBranches(expression)} alternatives; at most ${MAX_BRANCHES} are allowed`,
    );
    return null;
  }
  const both = twoAuthorizations(expression);
  if (both)
    report('require-two-authorizations', requirePath, 'basic and jwt both need the Authorization header, which a request has only once', {
      offset: both.offset,
      hint: 'use mtls or ip beside one of them',
    });

  const all = branchesOf(expression);
  const branches = all.filter((branch) => !AUTHORIZATION_METHODS.every((method) => branch.includes(method)));
  if (!both && branches.length < all.length)
    report(
      'require-branch-dropped',
      requirePath,
      `${all.length - branches.length} alternative(s) would need basic and jwt at once; no request can satisfy them, so they are left out`,
      { severity: 'notice' },
    );
  if (branches.length > MAX_BRANCHES)
    report('require-too-wide', requirePath, `the expression has ${branches.length} alternatives; at most ${MAX_BRANCHES} are allowed`);

  const apiKeyHeaders = (auth.apiKey?.headers ?? DEFAULT_KEY_HEADERS).map((name) => name.toLowerCase());
  for (const [i, name] of apiKeyHeaders.entries()) {
    if (TAKEN_HEADERS.includes(name))
      report('invalid-value', ['auth', 'apiKey', 'headers', i], `${name} has another meaning and cannot carry a key`);
  }
  const needsKeyHeader = branches.some(
    (branch) => branch.includes('apiKey') && AUTHORIZATION_METHODS.some((method) => branch.includes(method)),
  );
  if (needsKeyHeader && apiKeyHeaders.every((name) => name === 'authorization')) {
    report('require-two-authorizations', requirePath, 'an API key beside basic or jwt needs a header of its own', {
      hint: 'add X-API-Key to auth.apiKey.headers',
    });
  }
  checkAddresses(spec, branches, report);
  checkUnused(spec, methods, report);
  checkTokens(spec, methods, report);
  return {
    text: auth.require,
    expression,
    branches,
    methods,
    apiKeyHeaders,
    allow: auth.ip?.allow ?? [],
    addressClient: auth.ip?.as ?? null,
    jwt: auth.jwt
      ? {
          issuer: auth.jwt.issuer,
          audience: auth.jwt.audience,
          source: auth.jwt.keys,
          keys: jwtKeys,
          client: auth.jwt.client ?? 'sub',
          roles: auth.jwt.roles ?? null,
          role: auth.jwt.role ?? null,
        }
      : null,
  };
}

function checkAddresses(spec: Spec, branches: readonly (readonly Method[])[], report: Report): void {
  const { ip } = spec.auth;
  const alone = branches.some((branch) => branch.length === 1 && branch[0] === 'ip');
  if (branches.some((branch) => branch.includes('ip')) && !ip)
    report('missing-key', ['auth'], '`require` names ip, but `auth.ip.allow` does not say which addresses', {
      hint: 'add ip: { allow: [10.0.0.0/8] }',
    });
  if (ip && alone && ip.as === undefined)
    report('nameless-caller', ['auth', 'ip'], 'an allowed address alone would be admitted, but `as` does not say which client it is', {
      hint: 'add as: NAME, the name of a client',
    });
  if (ip?.as !== undefined && !alone)
    report(
      'unused-method',
      ['auth', 'ip', 'as'],
      '`as` names the client of a bare address, but no alternative of `require` consists of ip alone',
    );
  if (ip?.as !== undefined && !spec.clients.some((client) => client.name === ip.as))
    report('unknown-client', ['auth', 'ip', 'as'], `"${ip.as}" is not a client`);
}

function checkTokens(spec: Spec, methods: readonly Method[], report: Report): void {
  const { jwt } = spec.auth;
  if (jwt?.role !== undefined && !(jwt.role in (spec.roles ?? { default: true })))
    report('unknown-role', ['auth', 'jwt', 'role'], `"${jwt.role}" is not a role`);
  // Whoever can answer in the place of the identity provider could sign; on this machine that is somebody who is let in anyway.
  if (jwt && /^http:/.test(jwt.keys) && !/^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?\//.test(jwt.keys))
    report('jwt-keys', ['auth', 'jwt', 'keys'], "keys fetched over http can be anybody's", { hint: 'write https:' });
  const subjects = spec.clients.flatMap((client) => (client.sub === undefined ? [] : [client.sub]));
  for (const [i, client] of spec.clients.entries()) {
    if (client.sub === undefined) continue;
    if (!methods.includes('jwt'))
      report('unused-method', ['clients', i, 'sub'], '`sub` is the subject of a JWT, but `require` does not name jwt');
    if (subjects.indexOf(client.sub) !== subjects.lastIndexOf(client.sub))
      report('duplicate-name', ['clients', i, 'sub'], `"${client.sub}" is the subject of several clients`);
  }
}

function checkUnused(spec: Spec, methods: readonly Method[], report: Report): void {
  for (const method of ['apiKey', 'basic', 'mtls', 'ip', 'jwt'] as const) {
    if (spec.auth[method] !== undefined && !methods.includes(method))
      report('unused-method', ['auth', method], `${method} is configured, but \`require\` does not name it`, {
        hint: 'remove it, or name it in require',
      });
  }
  if (methods.includes('jwt') && !spec.auth.jwt)
    report('missing-key', ['auth'], '`require` names jwt, but `auth.jwt` does not say whose tokens are accepted');
}
