import type { Rate } from '../../gateway/quantity.ts';

/** nginx keeps a rate as thousandths of a request a second, rounded down (ngx_http_limit_req_module.c). */
function milliRequests(rate: Rate): number {
  return Math.floor((1000 * rate.count) / rate.seconds);
}

/** `10r/m` or `5r/s`; null when nginx cannot say the rate in whole requests. */
export function nginxRate(rate: Rate): string | null {
  if (rate.seconds === 1) return `${rate.count}r/s`;
  const perMinute = (rate.count * 60) / rate.seconds;
  return Number.isInteger(perMinute) && perMinute >= 1 ? `${perMinute}r/m` : null;
}

/** Seconds until a token is back. */
export function nginxRetryAfter(rate: Rate): number {
  return Math.ceil(1000 / Math.max(1, milliRequests(rate)));
}
