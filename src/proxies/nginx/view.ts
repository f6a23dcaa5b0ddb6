import { PASSED_HEADERS, upstreamAuthority, WEBSOCKET_HEADERS } from '../../gateway/forward.ts';
import { distinctLimits, rateClass } from '../../gateway/limits.ts';
import { REFUSALS } from '../../gateway/refusals.ts';
import type { Gateway } from '../../gateway/types.ts';
import { inContainer } from '../../gateway/container.ts';
import { certificateFiles, projectFrom } from '../layout.ts';
import type { Layout } from '../proxy.ts';
import { type NginxToken, numberToken, token } from './quote.ts';
import { nginxRate } from './rates.ts';

/** Everything the nginx templates print. */
export interface NginxView {
  readonly compose: boolean;
  readonly bind: NginxToken;
  readonly https: NginxToken;
  readonly http: NginxToken;
  readonly hasHttp: boolean;
  readonly healthPort: NginxToken;
  readonly hosts: readonly NginxToken[];
  readonly certificate: NginxToken;
  readonly certificateKey: NginxToken;
  readonly clientCa: NginxToken;
  readonly mtls: boolean;
  readonly basic: boolean;
  readonly cors: boolean;
  /** The other files of this engine. */
  readonly pieces: Readonly<Record<keyof typeof PIECES, NginxToken>>;
  /** The output folder as seen from the project. */
  readonly output: NginxToken;
  readonly root: NginxToken;
  readonly cache: NginxToken;
  readonly errorLogHere: NginxToken | null;
  readonly socket: NginxToken;
  readonly privateRun: NginxToken;
  readonly accessLog: NginxToken;
  readonly errorLog: NginxToken;
  readonly failures: { readonly rate: NginxToken; readonly burst: NginxToken; readonly hasBurst: boolean };
  readonly rates: readonly {
    readonly name: NginxToken;
    readonly rate: NginxToken;
    readonly burst: NginxToken;
    readonly hasBurst: boolean;
    readonly key: NginxToken;
  }[];
  readonly concurrents: readonly { readonly name: NginxToken; readonly count: NginxToken }[];
  readonly gatewayConcurrent: NginxToken;
  readonly bodyLimit: NginxToken;
  readonly upstream: { readonly name: NginxToken; readonly address: NginxToken; readonly authority: NginxToken };
  readonly passedHeaders: readonly { readonly name: NginxToken; readonly variable: NginxToken }[];
  readonly websocketHeaders: readonly { readonly name: NginxToken; readonly variable: NginxToken }[];
  readonly locations: readonly { readonly path: NginxToken }[];
  readonly statuses: readonly { readonly status: NginxToken }[];
}

/** Headers that nginx's own proxying sets from the body; the rest of the allowlist is copied one by one. */
const FRAMING = ['content-length'];

/** Where things are, as nginx sees them that reads the pieces: files from the folder of its nginx.conf, sockets from where it was started. */
interface Place {
  /** The folder of this engine, with a slash at the end unless it is that of nginx.conf. */
  readonly at: string;
  readonly project: string;
  readonly root: string;
  readonly cache: string;
  readonly socket: string;
  readonly accessLog: string;
  /** Null where nginx.conf has said it for all. */
  readonly errorLog: string | null;
}

/** In a gateway of its own. */
export function ownPlace(gateway: Gateway, layout: Layout): Place {
  return {
    at: '',
    project: projectFrom(layout),
    root: 'run/none',
    cache: 'run/cache',
    socket: `unix:${layout.output}/nginx/run/basic.sock`,
    accessLog: gateway.deploy.kind === 'compose' ? '/dev/stdout' : 'run/access.log',
    errorLog: null,
  };
}

/** In an nginx that runs already, whose configuration has a link to the project. */
export function snippetPlace(layout: Layout): Place {
  return {
    at: `${LINK}/${layout.output}/nginx/`,
    project: `${LINK}/`,
    root: '/nonexistent',
    cache: '/run/gatewright-passwords',
    socket: 'unix:/run/gatewright-passwords.sock',
    accessLog: '/var/log/nginx/gatewright.log',
    errorLog: '/var/log/nginx/gatewright-error.log',
  };
}

const LINK = 'gatewright';
const PIECES = {
  gate: 'gate.js',
  policy: 'policy.json',
  keys: 'api-keys.map',
  certificates: 'certificates.map',
  upstreamHeaders: 'upstream-headers.conf',
  responseHeaders: 'response-headers.conf',
} as const;

export function nginxView(gateway: Gateway, layout: Layout, place: Place): NginxView {
  const compose = gateway.deploy.kind === 'compose';
  const files = certificateFiles(gateway, layout, place.project);
  const { rates, concurrents } = distinctLimits(gateway);
  const model = gateway.models[0];
  if (!model) throw new Error('a gateway has at least one model');
  const { failures } = gateway.limits;
  return {
    compose,
    bind: token(compose ? '0.0.0.0' : gateway.listen.bind.includes(':') ? `[${gateway.listen.bind}]` : gateway.listen.bind),
    https: numberToken(compose ? inContainer.https : gateway.listen.https),
    http: numberToken(compose ? inContainer.http : (gateway.listen.http ?? 0)),
    hasHttp: gateway.listen.http !== null,
    healthPort: numberToken(inContainer.health),
    hosts: gateway.hosts.map(token),
    certificate: token(files.certificate),
    certificateKey: token(files.key),
    clientCa: token(files.clientCa),
    mtls: gateway.access.methods.includes('mtls'),
    basic: gateway.access.methods.includes('basic'),
    cors: gateway.cors.length > 0,
    pieces: Object.fromEntries(Object.entries(PIECES).map(([key, name]) => [key, token(place.at + name)])) as NginxView['pieces'],
    output: token(layout.output),
    root: token(place.root),
    cache: token(place.cache),
    socket: token(place.socket),
    privateRun: token(`${place.project}private/run/`),
    accessLog: token(place.accessLog),
    errorLogHere: place.errorLog === null ? null : token(place.errorLog),
    errorLog: token(compose ? 'stderr' : 'run/error.log'),
    failures: { rate: token(nginxRate(failures) ?? '10r/m'), burst: numberToken(failures.count - 1), hasBurst: failures.count > 1 },
    rates: rates.map((rate) => ({
      name: token(rateClass(rate).replace('-', '_')),
      key: token(rateClass(rate)),
      rate: token(nginxRate(rate) ?? '1r/m'),
      burst: numberToken(rate.count - 1),
      hasBurst: rate.count > 1,
    })),
    concurrents: concurrents.map((count) => ({ name: numberToken(count), count: numberToken(count) })),
    gatewayConcurrent: numberToken(gateway.limits.concurrent),
    bodyLimit: numberToken(gateway.limits.body),
    upstream: {
      name: token(`gw_${model.id.replaceAll('-', '_')}`),
      address: token(`${addressOf(gateway, model.id) ?? model.upstream.host}:${model.upstream.port}`),
      authority: token(upstreamAuthority(model)),
    },
    passedHeaders: [...PASSED_HEADERS, ...gateway.forwardHeaders]
      .filter((name) => !FRAMING.includes(name))
      .map((name) => ({ name: token(name), variable: token(name.replaceAll('-', '_')) })),
    websocketHeaders: WEBSOCKET_HEADERS.map((name) => ({ name: token(name), variable: token(name.replaceAll('-', '_')) })),
    locations: locationsOf(gateway),
    statuses: [...new Set(Object.values(REFUSALS).map(({ status }) => status))]
      .sort((a, b) => a - b)
      .map((status) => ({ status: numberToken(status) })),
  };
}

/** Locations are only a second wall: the gate has matched the raw path before nginx looks for one. */
function locationsOf(gateway: Gateway): { path: NginxToken }[] {
  const paths = [...new Set(gateway.routes.map((route) => route.path))];
  return paths.map((path) => {
    if (!path.includes('{id}')) return { path: `= ${token(path)}` as NginxToken };
    return { path: `~ ${token(`^${path.replaceAll('.', '\\.').replace('{id}', '[A-Za-z0-9_-]+')}\\z`)}` as NginxToken };
  });
}

/** The pinned address of a server that we start, so that nginx needs no DNS and starts in any order. */
function addressOf(gateway: Gateway, id: string): string | null {
  return gateway.deploy.kind === 'compose' ? (inContainer.addressOf(gateway, id) ?? null) : null;
}
