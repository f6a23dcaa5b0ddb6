import { grantableNames, ROUTE_TABLE, routesNamed } from '../../gateway/routes/index.ts';
import type { Route } from '../../gateway/routes/route.ts';
import type { Client, Gateway, Model, Role } from '../../gateway/types.ts';
import type { Spec } from '../schema.ts';
import { suggest } from '../suggest.ts';
import type { Report } from './report.ts';

/** What a client without a role may do when the spec writes no roles. */
const DEFAULT_ROLE = { routes: ['openai'] };
const DEFAULT_CONCURRENT = 8;

/** `roles`, with groups expanded in the order of the route table. */
export function resolveRoles(spec: Spec, models: readonly Model[], deploy: Gateway['deploy'], report: Report): Role[] {
  // Where nothing can count for a client, only a limit that is asked for is refused; that there is none is said.
  const limits = deploy.kind === 'compose' && deploy.native ? {} : { concurrent: DEFAULT_CONCURRENT };
  const declared: NonNullable<Spec['roles']> = spec.roles ?? { default: { ...DEFAULT_ROLE, ...limits } };
  return Object.entries(declared).map(([name, role]) => {
    const granted = new Set<string>();
    for (const [i, word] of role.routes.entries()) {
      const path = ['roles', name, 'routes', i];
      const found = routesNamed(word);
      if (found === 'forbidden')
        report('forbidden-route', path, `"${word}" can never be granted`, {
          hint: 'it controls the server, bypasses its key, or discloses its configuration',
        });
      else if (found === null) {
        const near = suggest(word, grantableNames());
        report('unknown-route', path, `"${word}" is not a route or a group`, {
          hint: near ? `did you mean "${near}"?` : 'gatewright routes lists them',
        });
      } else for (const route of found) granted.add(route.name);
    }
    for (const [i, wanted] of (role.models === 'all' || !role.models ? [] : role.models).entries()) {
      if (!models.some((model) => model.name === wanted || model.aliases.includes(wanted)))
        report('unknown-model', ['roles', name, 'models', i], `"${wanted}" is not a model`);
    }
    return {
      name,
      routes: ROUTE_TABLE.routes.filter((route) => granted.has(route.name)).map((route) => route.name),
      models: role.models ?? 'all',
      requests: role.requests ?? null,
      concurrent: role.concurrent ?? null,
    };
  });
}

/** `clients`, each with its role's limits unless it has its own. */
export function resolveClients(spec: Spec, roles: readonly Role[], report: Report): Client[] {
  const clients: Client[] = [];
  const names = new Set<string>();
  for (const [i, client] of spec.clients.entries()) {
    const path = ['clients', i];
    const wanted = client.role ?? 'default';
    const role = roles.find((candidate) => candidate.name === wanted);
    if (!role) {
      const near = suggest(
        wanted,
        roles.map((r) => r.name),
      );
      if (client.role === undefined)
        report('unknown-role', path, `"${client.name}" has no role, and \`roles\` has no "default"`, {
          hint: `give it one of: ${roles.map((r) => r.name).join(', ')}`,
        });
      else
        report('unknown-role', [...path, 'role'], `"${wanted}" is not a role`, {
          hint: near ? `did you mean "${near}"?` : `roles: ${roles.map((r) => r.name).join(', ')}`,
        });
      continue;
    }
    if (names.has(client.name)) report('duplicate-name', path, `the client "${client.name}" is here twice`);
    names.add(client.name);
    clients.push({
      name: client.name,
      role: role.name,
      requests: client.requests ?? role.requests,
      concurrent: client.concurrent ?? role.concurrent,
      subject: client.sub ?? null,
    });
  }
  return clients;
}

/** The routes that at least one role holds, in the order of the table: the surface of the gateway. */
export function grantedRoutes(roles: readonly Role[]): Route[] {
  return ROUTE_TABLE.routes.filter((route) => roles.some((role) => role.routes.includes(route.name)));
}
