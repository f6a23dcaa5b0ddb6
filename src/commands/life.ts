import { parseDuration } from '../gateway/quantity.ts';
import { stop } from '../problems/problem.ts';

const KEY_LIFE = '365d';

/** When a key ends: `365d` by default, `never` on request. */
export function expiryOf(text: string | undefined, now: Date): Date | null {
  if (text === 'never') return null;
  const seconds = parseDuration(text ?? KEY_LIFE);
  if (seconds === null || seconds < 60) throw stop('invalid-value', `"${text}" is not a life`, 'write it like 365d or 12h, or never');
  return new Date(now.getTime() + seconds * 1000);
}

const CERTIFICATE_DAYS = 90;

export function daysOf(text: string | undefined): number {
  const days = text === undefined ? CERTIFICATE_DAYS : Number(text);
  if (!Number.isSafeInteger(days) || days < 1 || days > 3650)
    throw stop('invalid-value', `"${text}" is not a number of days between 1 and 3650`);
  return days;
}
