import { printRate } from '../gateway/quantity.ts';
import type { ComposeDeployment, Gateway } from '../gateway/types.ts';
import { yamlText } from '../output/yaml-text.ts';
import { requireProject } from '../pipeline.ts';
import { type CommonOptions, EXIT, out, sayProblems, table } from './io.ts';

interface Options extends CommonOptions {
  readonly resolved?: boolean;
}

export async function run(options: Options): Promise<number> {
  const project = requireProject(options.file);
  sayProblems(project.problems);
  const long = resolvedSpec(project.gateway);
  if (options.json) out(JSON.stringify({ schemaVersion: 1, ...(options.resolved ? { spec: long } : { access: matrix(project.gateway) }) }));
  else if (options.resolved) out(yamlText(long));
  else out(matrixText(project.gateway));
  return EXIT.ok;
}

/** Who may call what. */
function matrix(gateway: Gateway): { client: string; role: string; routes: string[] }[] {
  return gateway.clients.map((client) => ({
    client: client.name,
    role: client.role,
    routes: [...(gateway.roles.find((role) => role.name === client.role)?.routes ?? [])],
  }));
}

function matrixText(gateway: Gateway): string {
  const rows = matrix(gateway);
  const limits = gateway.clients.map(
    (client) =>
      [client.requests ? printRate(client.requests) : '', client.concurrent === null ? '' : `${client.concurrent} at once`]
        .filter(Boolean)
        .join(', ') || 'none',
  );
  const clients = rows.map((row, i) => [
    row.client,
    row.role,
    limits[i] ?? '',
    ...gateway.routes.map((route) => (row.routes.includes(route.name) ? 'x' : '·')),
  ]);
  return [
    `Who may enter: ${gateway.access.text}`,
    ...gateway.access.branches.map((branch, i) => `  ${i + 1}. ${branch.join(' and ')}`),
    '',
    table([['client', 'role', 'limits', ...gateway.routes.map((route) => route.name)], ...clients]),
    '',
    `The whole gateway: ${gateway.limits.concurrent} at once, bodies up to ${gateway.limits.body} bytes, ${printRate(gateway.limits.failures)} failed passwords per address and name.`,
  ].join('\n');
}

function composeKeys({ subnet, image, native, attach }: ComposeDeployment): Record<string, unknown> {
  const { resolver, ...rest } = attach ?? {};
  return {
    subnet: subnet.text,
    ...(image ? { image } : {}),
    ...(native ? { gate: 'native' } : {}),
    ...(attach ? { attach: { ...rest, ...(resolver ? { resolver } : {}) } } : {}),
  };
}

/** The long form of the spec with every default filled in. */
function resolvedSpec(gateway: Gateway): Record<string, unknown> {
  const { access, listen, limits } = gateway;
  const rate = (value: Gateway['clients'][number]['requests']) => (value ? { requests: printRate(value) } : {});
  const slots = (value: number | null) => (value === null ? {} : { concurrent: value });
  return {
    version: 1,
    proxy: gateway.proxies.length === 1 ? gateway.proxies[0] : gateway.proxies,
    deploy: gateway.deploy.kind === 'compose' ? { compose: composeKeys(gateway.deploy) } : 'host',
    hosts: gateway.hosts,
    listen: {
      https: listen.https,
      http: listen.http ?? 'off',
      bind: listen.bind,
      trustedProxies: listen.trustedProxies.map((range) => range.text),
    },
    tls: gateway.tls.kind === 'files' ? { cert: gateway.tls.cert, key: gateway.tls.key } : 'self-signed',
    models: gateway.models.map((model) => ({
      ...(model.name === null ? {} : { name: model.name }),
      ...(model.aliases.length > 0 ? { aliases: model.aliases } : {}),
      ...(model.run
        ? {
            run: model.run.model,
            ...(model.run.gpus ? { gpus: model.run.gpus } : {}),
            token: model.run.token,
            offline: model.run.offline,
            ...(Object.keys(model.run.settings).length > 0 ? { vllm: model.run.settings } : {}),
          }
        : {
            upstream: `${model.upstream.scheme}://${model.upstream.host === 'host.docker.internal' ? 'localhost' : model.upstream.host}:${model.upstream.port}`,
          }),
      key: model.keyRequired ? 'required' : 'none',
    })),
    auth: {
      require: access.text,
      ...(access.methods.includes('apiKey') ? { apiKey: { headers: access.apiKeyHeaders } } : {}),
      ...(access.methods.includes('basic') ? { basic: {} } : {}),
      ...(access.methods.includes('mtls') ? { mtls: {} } : {}),
      ...(access.methods.includes('ip')
        ? { ip: { allow: access.allow.map((range) => range.text), ...(access.addressClient ? { as: access.addressClient } : {}) } }
        : {}),
    },
    roles: Object.fromEntries(
      gateway.roles.map((role) => [
        role.name,
        { routes: role.routes, models: role.models, ...rate(role.requests), ...slots(role.concurrent) },
      ]),
    ),
    clients: gateway.clients.map((client) => ({
      name: client.name,
      role: client.role,
      ...rate(client.requests),
      ...slots(client.concurrent),
    })),
    limits: { body: `${limits.body}B`, concurrent: limits.concurrent, failures: printRate(limits.failures) },
    ...(gateway.cors.length > 0 ? { cors: gateway.cors } : {}),
    ...(gateway.forwardHeaders.length > 0 ? { forwardHeaders: gateway.forwardHeaders } : {}),
  };
}
