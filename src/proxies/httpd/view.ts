import { createPublicKey, type KeyObject } from 'node:crypto';
import { inContainer } from '../../gateway/container.ts';
import { refusalBody } from '../../gateway/refusals.ts';
import type { JwtKey } from '../../gateway/token.ts';
import type { Gateway } from '../../gateway/types.ts';
import { certificateFiles, projectFrom } from '../layout.ts';
import type { Layout } from '../proxy.ts';
import { type HttpdToken, numberToken, pathToken, token } from './quote.ts';

/** Everything the httpd templates print. */
export interface HttpdView {
  readonly compose: boolean;
  /** This engine's folder as seen from the project. */
  readonly folder: HttpdToken;
  readonly bind: HttpdToken;
  readonly https: HttpdToken;
  readonly http: HttpdToken;
  readonly hasHttp: boolean;
  readonly healthPort: HttpdToken;
  readonly modules: readonly { readonly name: HttpdToken }[];
  readonly threads: HttpdToken;
  readonly workers: HttpdToken;
  readonly processes: HttpdToken;
  readonly certificate: HttpdToken;
  readonly certificateKey: HttpdToken;
  readonly clientCa: HttpdToken;
  readonly mtls: boolean;
  readonly basic: boolean;
  readonly passwordFile: HttpdToken;
  readonly jwtKeys: readonly {
    readonly first: boolean;
    readonly index: HttpdToken;
    readonly cache: HttpdToken;
    readonly public: boolean;
    readonly shared: boolean;
    readonly jwk: HttpdToken;
    readonly options: HttpdToken;
    readonly pass: HttpdToken;
    readonly file: HttpdToken;
  }[];
  readonly accessLog: HttpdToken;
  readonly errorLog: HttpdToken;
  readonly upstream: HttpdToken;
  readonly errors: readonly { readonly status: HttpdToken; readonly body: HttpdToken }[];
}

/** In the order in which they may be loaded. Each is loaded only where it is not built in. */
const MODULES = [
  'unixd',
  'mpm_event',
  'log_config',
  'authn_core',
  'authn_file',
  'authz_core',
  'authz_user',
  'auth_basic',
  'alias',
  'headers',
  'reqtimeout',
  'socache_shmcb',
  'ssl',
  'http2',
  'proxy',
  'proxy_http',
  'lua',
] as const;

const THREADS = 64;
/** Beside the requests that may run: refusals, keep-alive connections that are just being read, a password that is checked. */
const SPARE = 192;

/** httpd's own refusals, and the code that says the same. */
const OWN_ERRORS = {
  400: 'bad_request',
  403: 'policy_unavailable',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'bad_request',
  413: 'body_too_large',
  414: 'uri_too_long',
  417: 'bad_request',
  421: 'unknown_host',
  431: 'headers_too_large',
  500: 'policy_unavailable',
  501: 'bad_request',
  505: 'bad_request',
} as const;

/** A key as mod_oauth2 reads it. */
export function jwkOf(key: Pick<JwtKey, 'kid' | 'alg'>, material: KeyObject): string {
  return JSON.stringify({ ...material.export({ format: 'jwk' }), alg: key.alg, ...(key.kid === null ? {} : { kid: key.kid }) });
}

/** The gate has looked at the claims by then; a result is not kept for longer than a second. */
export function verifyOptions(index: number): string {
  return `verify.cache=gw${index}&verify.exp=skip&verify.iat=skip&expiry=1`;
}

export function httpdView(gateway: Gateway, layout: Layout): HttpdView {
  const compose = gateway.deploy.kind === 'compose';
  const files = certificateFiles(gateway, layout);
  const model = gateway.models[0];
  if (!model) throw new Error('a gateway has at least one model');
  const workers = Math.ceil((gateway.limits.concurrent + SPARE) / THREADS) * THREADS;
  const { scheme, host, port } = model.upstream;
  const address = inContainer.addressOf(gateway, model.id) ?? host;
  return {
    compose,
    folder: token(`${layout.output}/httpd`),
    bind: token(compose ? '0.0.0.0' : gateway.listen.bind.includes(':') ? `[${gateway.listen.bind}]` : gateway.listen.bind),
    https: numberToken(compose ? inContainer.https : gateway.listen.https),
    http: numberToken(compose ? inContainer.http : (gateway.listen.http ?? 0)),
    hasHttp: gateway.listen.http !== null,
    healthPort: numberToken(inContainer.health),
    modules: [...MODULES, ...(gateway.access.jwt ? ['oauth2'] : [])].map((name) => ({ name: token(name) })),
    threads: numberToken(THREADS),
    workers: numberToken(workers),
    processes: numberToken(workers / THREADS),
    certificate: pathToken(files.certificate),
    certificateKey: pathToken(files.key),
    clientCa: pathToken(files.clientCa),
    mtls: gateway.access.methods.includes('mtls'),
    basic: gateway.access.methods.includes('basic'),
    passwordFile: pathToken(`${projectFrom(layout)}private/run/passwords/htpasswd`),
    jwtKeys: (gateway.access.jwt?.keys ?? []).map((key, i) => ({
      first: i === 0,
      index: numberToken(i),
      cache: token(`name=gw${i}&max_entries=2000`),
      public: key.secret === null,
      shared: key.secret !== null,
      jwk: token(
        key.spki === null ? 'private' : jwkOf(key, createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' })),
      ),
      options: token(verifyOptions(i)),
      // mod_oauth2 refuses a token without the claim that it takes for a user, sub by default.
      pass: token(`prefix=GWJWT_&headers=false&remote_user_claim=${gateway.access.jwt?.client ?? 'sub'}`),
      file: pathToken(`${projectFrom(layout)}private/run/httpd/jwt-${i}.conf`),
    })),
    accessLog: pathToken(compose ? '/dev/stdout' : 'run/access.log'),
    errorLog: token(compose ? '/dev/stderr' : 'run/error.log'),
    upstream: token(`${scheme}://${address}:${port}/`),
    errors: Object.entries(OWN_ERRORS).map(([status, code]) => ({
      status: numberToken(Number(status)),
      body: token(refusalBody(code)),
    })),
  };
}
