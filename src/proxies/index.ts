import type { ProxyName } from '../gateway/types.ts';
import { nginx } from './nginx/index.ts';
import type { Proxy } from './proxy.ts';

/** The engines that are built. */
export const PROXIES: readonly Proxy[] = [nginx];

export function proxyNamed(name: ProxyName): Proxy | undefined {
  return PROXIES.find((proxy) => proxy.name === name);
}
