import { inContainer } from '../../gateway/container.ts';
import type { Gateway } from '../../gateway/types.ts';
import { projectFrom } from '../layout.ts';
import type { Layout } from '../proxy.ts';
import { nativeOf } from './native.ts';

/** The name of the plugin, and of what uses it, in every configuration. */
export const PLUGIN = 'gatewright';
/** Where Traefik looks for local plugins, as seen from where it is started (pkg/plugins of Traefik 3). */
export const PLUGIN_FOLDER = 'plugins-local/src/gatewright.local/gate';
/** Where the gate asks about a password: an entry point on loopback alone. */
export const PASSWORDS = 'passwords';
/** The socket proxy of the compose deployment. */
export const DOCKER = { service: 'docker-socket', port: 2375 } as const;

/** Longer than the longest wait for a token, so that a stop lets streams end. */
const GRACE = '660s';

/** The port of loopback on which passwords are checked: the one after https that is not taken by http. */
export function passwordPort(gateway: Gateway): number {
  if (gateway.deploy.kind === 'compose') return inContainer.passwords;
  const next = gateway.listen.https + 1;
  return next === gateway.listen.http ? next + 1 : next;
}

/** traefik.yml: what Traefik reads once, when it starts. */
export function staticConfig(gateway: Gateway, layout: Layout): Record<string, unknown> {
  const compose = gateway.deploy.kind === 'compose';
  const bind = compose ? '' : gateway.listen.bind.includes(':') ? `[${gateway.listen.bind}]` : gateway.listen.bind;
  const native = nativeOf(gateway) !== null;
  const basic = gateway.access.methods.includes('basic') && !native;
  return {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    log: { level: 'ERROR', format: 'json', ...(compose ? {} : { filePath: 'run/error.log' }) },
    accessLog: {
      format: 'json',
      // Our router's service is one of Traefik's own, which it would not log otherwise.
      addInternals: true,
      ...(compose ? {} : { filePath: 'run/access.log' }),
      // The request line has the query in it; the gate says the path, and who it was, in headers of its own.
      fields: {
        defaultMode: 'drop',
        names: {
          StartUTC: 'keep',
          Duration: 'keep',
          DownstreamStatus: 'keep',
          DownstreamContentSize: 'keep',
          RequestMethod: 'keep',
          ...(native ? { ClientHost: 'keep', ClientUsername: 'keep', RouterName: 'keep' } : {}),
        },
        headers: { defaultMode: 'drop', names: Object.fromEntries(LOGGED.map((name) => [`X-Gatewright-Log-${name}`, 'keep'])) },
      },
    },
    entryPoints: {
      https: entryPoint(`${bind}:${compose ? inContainer.https : gateway.listen.https}`, native),
      ...(gateway.listen.http === null ? {} : { http: entryPoint(`${bind}:${compose ? inContainer.http : gateway.listen.http}`, native) }),
      ...(basic ? { [PASSWORDS]: { address: `127.0.0.1:${passwordPort(gateway)}`, ...UNLOGGED } } : {}),
      // Traefik opens one of this name on every address when something asks for it and it is not here.
      ...(compose ? { traefik: { address: `127.0.0.1:${inContainer.health}`, ...UNLOGGED } } : {}),
    },
    ...(compose ? { ping: { entryPoint: 'traefik' } } : {}),
    providers: {
      ...(compose
        ? {
            docker: {
              endpoint: `tcp://${DOCKER.service}:${DOCKER.port}`,
              exposedByDefault: false,
              constraints: `Label(\`com.docker.compose.project\`,\`${inContainer.project(gateway)}\`)`,
            },
          }
        : {}),
      // The folder of private/run has, beside the passwords, a link to the file that is generated.
      file: { directory: basic ? `${projectFrom(layout)}private/run/traefik` : 'dynamic', watch: true },
    },
    ...(native ? {} : { experimental: { localPlugins: { [PLUGIN]: { moduleName: 'gatewright.local/gate' } } } }),
  };
}

const UNLOGGED = { observability: { accessLogs: false } };
const LOGGED = ['Address', 'Client', 'Role', 'Route', 'Path', 'Code', 'Reason', 'Fault', 'Id'];

function entryPoint(address: string, native: boolean): Record<string, unknown> {
  return {
    address,
    transport: {
      respondingTimeouts: { readTimeout: '300s', writeTimeout: '0s', idleTimeout: '180s' },
      lifeCycle: { graceTimeOut: GRACE },
    },
    // Without the gate nobody is believed about a caller's address.
    ...(native ? {} : FOR_THE_GATE),
  };
}

const FOR_THE_GATE = {
  // The gate walks X-Forwarded-For itself, by its own list of trusted proxies.
  forwardedHeaders: { insecure: true },
  // A path reaches the gate as it came; the gate counts header bytes itself, and Go must let a little more come that far.
  http: { sanitizePath: false, maxHeaderBytes: 65_536 },
};
