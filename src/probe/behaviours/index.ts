import { admission, denial, forgedAddress, mismatch, nobody } from './access.ts';
import { addressEdges, addressForms } from './addresses.ts';
import type { Behaviour } from './behaviour.ts';
import { cors, plainHttp, upstreamView, wellFormed } from './headers.ts';
import { bodies, concurrency, failures, rates, streams } from './limits.ts';
import { forgeries, subjects, tokens } from './tokens.ts';
import { realtime } from './realtime.ts';
import { hosts, methods, roles, routes, tricks } from './surface.ts';

/** Every promise that a running gateway can be asked to keep, in the order of the table. */
export const BEHAVIOURS: readonly Behaviour[] = [
  admission,
  denial,
  nobody,
  mismatch,
  forgedAddress,
  addressForms,
  addressEdges,
  tokens,
  forgeries,
  subjects,
  routes,
  roles,
  methods,
  tricks,
  hosts,
  upstreamView,
  wellFormed,
  cors,
  plainHttp,
  bodies,
  rates,
  concurrency,
  failures,
  streams,
  realtime,
];
