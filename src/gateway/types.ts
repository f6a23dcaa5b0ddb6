import type { Cidr } from './address.ts';
import type { Branch, Expression, Method } from './expression.ts';
import type { Rate } from './quantity.ts';
import type { Route } from './routes/route.ts';
import type { JwtKey, JwtSettings } from './token.ts';

/*
 * The model: what must be true of any engine, with every default and inheritance decided.
 * Renderers translate it; they never decide.
 */

/** The engines that a spec can name; src/proxies/index.ts has what they do. */
export const PROXY_NAMES = ['nginx', 'traefik', 'httpd'] as const;
export type ProxyName = (typeof PROXY_NAMES)[number];

interface Listener {
  readonly bind: string;
  /** The port callers use. */
  readonly https: number;
  /** The port that only redirects, or null. */
  readonly http: number | null;
  readonly trustedProxies: readonly Cidr[];
}

export type ServerTls = { readonly kind: 'self-signed' } | { readonly kind: 'files'; readonly cert: string; readonly key: string };

interface VllmSettings {
  readonly quantization?: string | undefined;
  readonly dtype?: string | undefined;
  readonly maxModelLen?: number | string | undefined;
  readonly maxNumSeqs?: number | undefined;
  readonly maxQueued?: number | undefined;
  readonly gpuMemoryUtilization?: number | undefined;
  readonly tensorParallel?: number | undefined;
  readonly revision?: string | undefined;
  readonly image?: string | undefined;
  readonly shmSize?: number | undefined;
  readonly startPeriod?: number | undefined;
}

/** A model and the one server that has it. */
export interface Model {
  /** What callers write; null for a single upstream whose names are not our concern. */
  readonly name: string | null;
  readonly aliases: readonly string[];
  /** A safe word for files and services, unique in the spec. */
  readonly id: string;
  /** host:port as the upstream's authority. */
  readonly upstream: { readonly scheme: 'http' | 'https'; readonly host: string; readonly port: number };
  readonly keyRequired: boolean;
  /** Present when we start the server. */
  readonly run: {
    readonly model: string;
    readonly gpus: readonly string[] | null;
    readonly token: boolean;
    readonly offline: boolean;
    readonly settings: VllmSettings;
  } | null;
}

export interface Role {
  readonly name: string;
  /** Names of the granted routes. */
  readonly routes: readonly string[];
  readonly models: 'all' | readonly string[];
  readonly requests: Rate | null;
  readonly concurrent: number | null;
}

export interface Client {
  readonly name: string;
  readonly role: string;
  /** The client's own limit, or its role's. */
  readonly requests: Rate | null;
  readonly concurrent: number | null;
  /** The subject of a JWT that is this client. */
  readonly subject: string | null;
}

export interface Access {
  /** The text of the spec, for people. */
  readonly text: string;
  readonly expression: Expression;
  readonly branches: readonly Branch[];
  readonly methods: readonly Method[];
  /** Headers that can carry an API key, in lower case. */
  readonly apiKeyHeaders: readonly string[];
  readonly allow: readonly Cidr[];
  readonly addressClient: string | null;
  readonly jwt: JwtSettings | null;
}

/** What is needed to recognise a credential, never the credential. */
export interface Verifiers {
  readonly keys: readonly { readonly sha256: string; readonly client: string; readonly expires: number | null }[];
  readonly certificates: readonly { readonly sha256: string; readonly sha1: string; readonly serial: string; readonly client: string }[];
  /** Keys that sign tokens. */
  readonly jwtKeys: readonly JwtKey[];
  /** The CA that issues client certificates, as the path of its certificate below `credentials/`, or null. */
  readonly clientCa: string | null;
}

export interface ComposeDeployment {
  readonly kind: 'compose';
  readonly subnet: Cidr;
  readonly image: string | null;
  /** Whether Traefik's own middlewares stand for the gate: fewer promises, no plugin (proxies/traefik/native.ts). */
  readonly native: boolean;
  /** The Traefik that runs already, where there is to be none of ours. */
  readonly attach: { readonly network: string; readonly entryPoint: string; readonly resolver: string | null } | null;
}

export interface Gateway {
  readonly proxies: readonly ProxyName[];
  readonly deploy: ComposeDeployment | { readonly kind: 'host' };
  readonly hosts: readonly string[];
  readonly listen: Listener;
  readonly tls: ServerTls;
  readonly models: readonly Model[];
  readonly access: Access;
  /** Routes granted to at least one role: the whole surface of the gateway. */
  readonly routes: readonly Route[];
  readonly roles: readonly Role[];
  readonly clients: readonly Client[];
  readonly limits: { readonly body: number; readonly concurrent: number; readonly failures: Rate };
  readonly cors: readonly string[];
  readonly forwardHeaders: readonly string[];
  readonly verifiers: Verifiers;
}

/** Whether the gateway must read the body's `model`: several models, or roles that name some. */
export function looksAtModel(gateway: Pick<Gateway, 'models' | 'roles'>): boolean {
  return gateway.models.length > 1 || gateway.roles.some((role) => role.models !== 'all');
}
