import { pathMatches, ROUTE_TABLE } from '../gateway/routes/index.ts';
import type { Route } from '../gateway/routes/route.ts';
import type { Seen } from './double.ts';

/** The prefixes that `--api-key` guards, by `startswith` (vLLM 0.33, entrypoints/serve/middleware/authenticate.py). */
export const GUARDED_PREFIXES = ['/v1', '/v2', '/inference', '/cohere'];

/** The routes that a default generate server registers. */
export function registeredRoutes(): Route[] {
  return ROUTE_TABLE.routes.filter((route) => (route.registered === 'always' || route.registered === 'generate') && !route.websocket);
}

/** What a real vLLM answers instead of doing its work, or null where it would work. The order is vLLM's: key, then route, then body. */
export function bareVllm(key: string | null, seen: Seen): { status: number; body: unknown } | null {
  const path = seen.target.split('?')[0] ?? '';
  const authorization = seen.headers.find(([name]) => name === 'authorization')?.[1];
  const guarded = seen.method !== 'OPTIONS' && GUARDED_PREFIXES.some((prefix) => path.startsWith(prefix));
  if (key !== null && guarded && !/^bearer /i.test(authorization ?? '')) return { status: 401, body: { error: 'Unauthorized' } };
  if (key !== null && guarded && authorization?.slice(7) !== key) return { status: 401, body: { error: 'Unauthorized' } };
  const here = registeredRoutes().filter((route) =>
    route.path.endsWith('*') ? path.startsWith(route.path.slice(0, -1)) : pathMatches(route.path, path),
  );
  if (here.length === 0) return { status: 404, body: { detail: 'Not Found' } };
  // The metrics application is mounted, and a mount takes every method.
  if (path.startsWith('/metrics')) return null;
  if (!here.some((route) => route.method === seen.method)) return { status: 405, body: { detail: 'Method Not Allowed' } };
  const takesBody = here.some((route) => route.method === 'POST' && route.class === 'inference');
  if (takesBody && !/"(messages|prompt|input|tokens)"/.test(seen.body))
    return { status: 400, body: { error: { message: 'Field required', type: 'BadRequestError', code: 400 } } };
  return null;
}
