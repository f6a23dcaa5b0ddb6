import type { ProxyName } from '../../gateway/types.ts';
import type { FoundEngine } from './engine.ts';
import { findHttpd } from './httpd.ts';
import { findNginx } from './nginx.ts';
import { findTraefik } from './traefik.ts';

/** How to run each proxy that is built. */
export const ENGINES: Partial<Record<ProxyName, () => FoundEngine>> = { nginx: findNginx, httpd: findHttpd, traefik: findTraefik };
