import type { Rate } from './quantity.ts';
import type { Client, Gateway, Role } from './types.ts';

/** A short word for a rate, used to name its zone: `60-60` is 60 in 60 seconds. */
export function rateClass(rate: Rate | null): string {
  return rate ? `${rate.count}-${rate.seconds}` : '';
}

/** Every limit that some client of the gateway is under, each once. A JWT client is under its role's. */
export function distinctLimits(gateway: Gateway): { rates: Rate[]; concurrents: number[] } {
  const holders: (Client | Role)[] = [...gateway.clients, ...(gateway.access.jwt ? gateway.roles : [])];
  const rates = new Map(holders.flatMap((h) => (h.requests ? [[rateClass(h.requests), h.requests] as const] : [])));
  const concurrents = new Set(holders.flatMap((h) => (h.concurrent === null ? [] : [h.concurrent])));
  return {
    rates: [...rates.values()].sort((a, b) => a.seconds - b.seconds || a.count - b.count),
    concurrents: [...concurrents].sort((a, b) => a - b),
  };
}
