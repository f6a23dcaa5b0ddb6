import type { Route, RouteTable } from './route.ts';
import { vllm033 } from './vllm-0.33.ts';

/** The table in use. A new version of vLLM is one data file and one line here. */
export const ROUTE_TABLE: RouteTable = vllm033;

/** Everything that `roles.*.routes` may name. */
export function grantableNames(): string[] {
  return [...Object.keys(ROUTE_TABLE.groups), ...ROUTE_TABLE.routes.filter((route) => route.grantable).map((route) => route.name)];
}

/** The routes behind a name or group; `forbidden` when the name is a route that nobody may ever hold, null when unknown. */
export function routesNamed(name: string): readonly Route[] | 'forbidden' | null {
  const members = ROUTE_TABLE.groups[name];
  if (members) return ROUTE_TABLE.routes.filter((route) => route.grantable && members.includes(route.name));
  const bare = name.startsWith('/') ? name.slice(1) : name;
  const found = ROUTE_TABLE.routes.filter((route) => route.name === name);
  if (found.length > 0) return found.every((route) => route.grantable) ? found : 'forbidden';
  const byPath = ROUTE_TABLE.routes.find((route) => route.path === `/${bare}` || `${route.method} ${route.path}` === name);
  if (byPath) return byPath.grantable ? [byPath] : 'forbidden';
  return null;
}

const PARAMETER = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether a raw path is exactly the path of a route. No case folding, no trailing slash, no decoding. */
export function pathMatches(pattern: string, path: string): boolean {
  const at = pattern.indexOf('{id}');
  if (at < 0) return pattern === path;
  const [head, tail] = [pattern.slice(0, at), pattern.slice(at + 4)];
  if (!path.startsWith(head) || !path.endsWith(tail)) return false;
  return PARAMETER.test(path.slice(head.length, path.length - tail.length));
}
