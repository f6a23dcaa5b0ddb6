import { httpd } from './httpd/index.ts';
import { nginx } from './nginx/index.ts';
import type { Proxy } from './proxy.ts';
import { traefik } from './traefik/index.ts';

/** The engines that are built. */
export const PROXIES: readonly Proxy[] = [nginx, httpd, traefik];
