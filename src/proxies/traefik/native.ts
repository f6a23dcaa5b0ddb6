import { inContainer } from '../../gateway/container.ts';
import type { Route } from '../../gateway/routes/route.ts';
import type { ComposeDeployment, Gateway } from '../../gateway/types.ts';
import { DEFAULT_BODY } from '../../gateway/well-formed.ts';
import type { Finding, PrivateFacts } from '../proxy.ts';

/*
 * `gate: native`: Traefik's own middlewares in labels, as people know them, and no plugin. It can attach to a Traefik that
 * runs already. What it cannot keep of a spec is refused; what it keeps less well than the gate is said (docs/native.md).
 */

const NATIVE = 'gatewright';
const BASIC = 'gatewright-basic';
const ADDRESS = 'gatewright-address';
const SLOTS = 'gatewright-slots';
const HEADERS = 'gatewright-headers';

/** The native deployment of a gateway, or null. */
export function nativeOf(gateway: Gateway): ComposeDeployment | null {
  return gateway.deploy.kind === 'compose' && gateway.deploy.native ? gateway.deploy : null;
}

export function nativeFindings(gateway: Gateway): Finding[] {
  const deploy = nativeOf(gateway);
  if (!deploy) return [];
  return [...refused(gateway, deploy), ...weaker(gateway, deploy)];
}

function refused(gateway: Gateway, { attach }: ComposeDeployment): Finding[] {
  const findings: Finding[] = [];
  const cannot = (when: boolean, about: Finding['about'], message: string, hint: string): void => {
    if (when) findings.push({ code: 'native-cannot', severity: 'error', message: `gate: native cannot ${message}`, hint, about });
  };
  const { access, clients, listen } = gateway;
  const plugin = 'leave gate: native out';
  cannot(
    access.branches.length !== 1 || access.methods.some((method) => method !== 'basic' && method !== 'ip'),
    ['auth', 'require'],
    `do "${access.text}": it knows basic and ip, joined by and`,
    plugin,
  );
  cannot(new Set(clients.map(({ role }) => role)).size > 1, ['clients'], 'tell roles apart', `${plugin}, or give all clients one role`);
  for (const [i, client] of clients.entries())
    cannot(
      client.requests !== null || client.concurrent !== null,
      ['clients', i],
      `keep the limits of ${client.name}`,
      `${plugin}, or drop requests and concurrent of the client and its role`,
    );
  cannot(gateway.limits.body !== DEFAULT_BODY, ['limits', 'body'], 'stop a body at a size without taking in answers whole', plugin);
  cannot(gateway.cors.length > 0, ['cors'], 'answer browsers of other origins as the spec means it', plugin);
  cannot(listen.trustedProxies.length > 0, ['listen', 'trustedProxies'], 'find the caller behind trusted proxies', plugin);
  cannot(
    listen.http !== null,
    ['listen', 'http'],
    'refuse secrets on port 80; it would redirect them',
    'write http: off, which is its default',
  );
  cannot(
    gateway.routes.some((route) => route.websocket),
    ['roles'],
    'look at the origin of a WebSocket',
    `${plugin}, or grant no realtime route`,
  );
  cannot(
    attach !== null && gateway.models.some((model) => model.run === null),
    ['models'],
    'attach to your Traefik without a container of ours to carry the labels',
    'write run: for the model, or leave attach out',
  );
  return findings;
}

function weaker(gateway: Gateway, { attach }: ComposeDeployment): Finding[] {
  const basic = gateway.access.methods.includes('basic');
  const lines = [
    'refusals are in the words of Traefik, not in JSON with a code',
    'paths are brought to their normal form before they are looked at, and bodies may have any size',
    'no client has limits of its own',
    'headers of callers reach the server, but for those that name a client',
    ...(basic ? ['failed passwords are not counted, and each costs a hash', 'password hashes are labels, which docker inspect shows'] : []),
    ...(gateway.models.some((model) => model.keyRequired) ? ['the key of the server is a label, which docker inspect shows'] : []),
    ...(attach
      ? [
          'TLS, its versions and the log are those of your Traefik',
          `whatever is on the network ${attach.network} reaches the server past the gate, and its own key leaves routes open (gatewright routes)`,
        ]
      : []),
  ];
  return [
    {
      code: 'native-weaker',
      severity: 'notice',
      message: `with gate: native ${lines.join('; ')}`,
      hint: 'leave gate: native out to have all of it',
      about: ['deploy', 'compose', 'gate'],
    },
  ];
}

/** Exact paths with their methods, on the hosts of the spec: what matches no rule is Traefik's 404. */
function ruleOf(gateway: Gateway): string {
  const hosts = gateway.hosts.map((host) => `Host(\`${host}\`)`).join(' || ');
  const paths = gateway.routes.map(pathRule).join(' || ');
  return `(${hosts}) && (${paths})`;
}

function pathRule({ method, path }: Route): string {
  const [head, tail] = path.split('{id}');
  const matcher = tail === undefined ? `Path(\`${path}\`)` : `PathRegexp(\`^${escaped(head ?? '')}[A-Za-z0-9_-]{1,128}${escaped(tail)}$\`)`;
  return `(Method(\`${method}\`) && ${matcher})`;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Routers, middlewares and the service, as the object that labels are made of; users and keys stand elsewhere. */
export function nativeRouting(gateway: Gateway): Record<string, unknown> {
  const deploy = nativeOf(gateway);
  const [role] = gateway.roles.filter(({ name }) => gateway.clients.some((client) => client.role === name));
  const has = (method: string): boolean => gateway.access.methods.some((one) => one === method);
  return {
    routers: {
      [NATIVE]: {
        entryPoints: [deploy?.attach?.entryPoint ?? 'https'],
        rule: ruleOf(gateway),
        middlewares: [SLOTS, ...(has('ip') ? [ADDRESS] : []), ...(has('basic') ? [BASIC] : []), HEADERS],
        service: deploy?.attach ? NATIVE : `${NATIVE}@file`,
        tls: deploy?.attach?.resolver ? { certResolver: deploy.attach.resolver } : true,
      },
    },
    middlewares: {
      // Of all callers together; with too many Traefik says 429.
      [SLOTS]: { inFlightReq: { amount: gateway.limits.concurrent, sourceCriterion: { requestHost: true } } },
      ...(has('ip') ? { [ADDRESS]: { ipAllowList: { sourceRange: gateway.access.allow.map(({ text }) => text) } } } : {}),
      // The name of the caller takes the place of whatever it claimed, and its password goes no further.
      ...(has('basic') ? { [BASIC]: { basicAuth: { realm: NATIVE, removeHeader: true, headerField: 'X-Gatewright-Client' } } } : {}),
      [HEADERS]: {
        headers: {
          customRequestHeaders: {
            'X-Gatewright-Role': role?.name ?? '',
            ...(has('basic') ? {} : { 'X-Gatewright-Client': gateway.access.addressClient ?? '' }),
            // Nothing of what a caller shows goes further; the server's own key, a secret, stands elsewhere.
            ...(gateway.models.some((model) => model.keyRequired) ? {} : { Authorization: '' }),
          },
          stsSeconds: 31_536_000,
          contentTypeNosniff: true,
        },
      },
    },
    ...(deploy?.attach ? { services: { [NATIVE]: { loadBalancer: { server: { port: 8000 } } } } } : {}),
  };
}

/** The service of the file, where Traefik is ours. */
export function nativeService(gateway: Gateway): Record<string, unknown> {
  const [model] = gateway.models;
  if (!model) throw new Error('a gateway without a model');
  const { scheme, host, port } = model.upstream;
  const url = `${scheme}://${inContainer.addressOf(gateway, model.id) ?? host}:${port}`;
  return { services: { [NATIVE]: { loadBalancer: { servers: [{ url }] } } } };
}

/** The part of the same object that is secret. Null while something is missing: without its users nothing may start. */
export function nativeSecrets(gateway: Gateway, { passwords, upstreamKeys }: PrivateFacts): Record<string, unknown> | null {
  const [model] = gateway.models;
  const basic = gateway.access.methods.includes('basic');
  const users = passwords.filter(([name]) => gateway.clients.some((client) => client.name === name));
  const key = model?.keyRequired ? upstreamKeys[model.id] : null;
  if ((basic && users.length === 0) || key === undefined) return null;
  return {
    middlewares: {
      ...(basic ? { [BASIC]: { basicAuth: { users: users.map(([name, hash]) => `${name}:${hash}`) } } } : {}),
      ...(key ? { [HEADERS]: { headers: { customRequestHeaders: { Authorization: `Bearer ${key}` } } } } : {}),
    },
  };
}

/** Whether there is anything secret in the labels at all. */
export function nativeHasSecrets(gateway: Gateway): boolean {
  return gateway.access.methods.includes('basic') || gateway.models.some((model) => model.keyRequired);
}
