import { ROUTE_TABLE } from '../../gateway/routes/index.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { admitted, callOf, someone, typicalRoute, withoutBody } from './cast.ts';

export const routes: Behaviour = {
  id: 'surface/routes',
  promise: 'Only granted routes exist; every other route of vLLM is not there, with a credential and without.',
  source: "vLLM's own --api-key leaves /invocations and a dozen other routes open",
  cases: (subject) => {
    const one = someone(subject);
    if (!one) return [];
    return ROUTE_TABLE.routes
      .filter((route) => !subject.gateway.routes.includes(route))
      .flatMap((route): Case[] => [
        {
          title: `${route.method} ${route.path} with a credential`,
          sketch: { ...withoutBody(one.sketch), ...callOf(route) },
          opened: 'double',
        },
        { title: `${route.method} ${route.path} without`, sketch: callOf(route), opened: 'double' },
      ]);
  },
};

export const roles: Behaviour = {
  id: 'surface/roles',
  promise: "A client reaches its role's routes and no other.",
  source: 'vLLM has one kind of key, good for everything it guards',
  cases: (subject) =>
    subject.cast.flatMap((who) => {
      const role = subject.gateway.roles.find((r) => r.name === subject.gateway.clients.find((c) => c.name === who.client)?.role);
      const good = admitted(subject, who);
      if (!role || !good) return [];
      return subject.gateway.routes
        .filter((route) => !route.websocket)
        .map(
          (route): Case => ({
            title: `${who.client} (${role.name}) ${route.method} ${route.path}`,
            sketch: { ...withoutBody(good), ...callOf(route) },
            opened: good,
          }),
        );
    }),
};

export const methods: Behaviour = {
  id: 'surface/methods',
  promise: 'A route has its own methods and no others; HEAD is not GET.',
  source: 'DECISION section 1',
  cases: (subject) => {
    const one = someone(subject);
    const route = one ? typicalRoute(subject, one.who.client) : null;
    if (!one || !route) return [];
    return ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get', 'PROPFIND'].map(
      (method): Case => ({ title: `${method} ${route.path}`, sketch: { ...withoutBody(one.sketch), method }, opened: one.sketch }),
    );
  },
};

/** Spellings that some parser on the way would read as another path. */
function spellings(path: string): string[] {
  const last = path.lastIndexOf('/');
  const [head, tail] = [path.slice(0, last), path.slice(last + 1)];
  const percent = (char: string): string => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return [
    `/${path}`,
    `${head}//${tail}`,
    `${head}/./${tail}`,
    `${head}/x/../${tail}`,
    `/v1/..${path}`,
    `${head}/%2e/${tail}`,
    `${head}/x/%2e%2e/${tail}`,
    `${head}%2f${tail}`,
    `${head}%5c${tail}`,
    `${head}\\${tail}`,
    `${head}/${percent(tail.charAt(0))}${tail.slice(1)}`,
    `${path};x=1`,
    `${path}/`,
    `${path}/.`,
    `${path}%00`,
    `${path}%0a`,
    `${path}%`,
    `${path}%zz`,
    `${path}#x`,
    path.toUpperCase(),
    path.replace(/[a-z](?=[^a-z]*$)/, (c) => c.toUpperCase()),
  ];
}

export const tricks: Behaviour = {
  id: 'surface/tricks',
  promise: 'A path is granted in one spelling only.',
  source: 'DECISION section 2; engines and upstreams normalise differently, so what is not normal is refused',
  cases: (subject) => {
    const one = someone(subject);
    const route = one ? typicalRoute(subject, one.who.client) : null;
    if (!one || !route) return [];
    const forbidden = [
      '/v1/%2e%2e/invocations',
      '/v1/../invocations',
      '//invocations',
      '/invocations/',
      '/v1/..;/invocations',
      '/metricsX',
      '/metrics/x',
    ];
    return [...spellings(route.path), ...forbidden].map(
      (target): Case => ({ title: target, sketch: { ...one.sketch, target }, opened: 'double' }),
    );
  },
};

export const hosts: Behaviour = {
  id: 'surface/hosts',
  promise: 'Only the listed hosts are served; an absolute-form target counts by its own host.',
  source: 'DECISION section 2; CVE-2026-48746 was a Host that looked like a path',
  cases: (subject) => {
    const one = someone(subject);
    const host = subject.gateway.hosts[0];
    if (!one || !host) return [];
    const { sketch } = one;
    const hosts: [string, string | null][] = [
      ['another host', 'other.example.org'],
      ['trailing dot', `${host}.`],
      ['userinfo', `${host}@evil.example`],
      ['a path in Host', `${host}/health?`],
      ['an address', '203.0.113.5'],
      ['empty', ''],
      ['none', null],
      ['with a port', `${host}:8443`],
      ['in upper case', host.toUpperCase()],
    ];
    const absolute: [string, string][] = [
      ['absolute-form', `https://${host}${sketch.target}`],
      ['absolute-form, other host', `https://evil.example${sketch.target}`],
      ['absolute-form, doubled slash', `https://${host}/${sketch.target}`],
    ];
    return [
      ...hosts.map(([title, value]): Case => ({ title: `Host: ${title}`, sketch: { ...sketch, host: value }, opened: sketch })),
      ...absolute.map(([title, target]): Case => ({ title, sketch: { ...sketch, target }, opened: sketch })),
      // Found by the generated cases: an engine may look at the one or at the other.
      {
        title: 'absolute-form, beside a Host with an empty port',
        sketch: { ...sketch, target: `https://${host}${sketch.target}`, host: `${host}:` },
        opened: sketch,
      },
    ];
  },
};
