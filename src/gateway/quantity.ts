/** A request rate: at most `count` in any period of `seconds`, as a token bucket of capacity `count`. */
export interface Rate {
  readonly count: number;
  readonly seconds: number;
}

const PERIODS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** Reads `60/minute`; null when it is not a rate. */
export function parseRate(text: string): Rate | null {
  const match = /^([1-9]\d{0,6})\/(second|minute|hour|day)$/.exec(text.replaceAll(' ', ''));
  const seconds = PERIODS[match?.[2] ?? ''];
  return match && seconds ? { count: Number(match[1]), seconds } : null;
}

/** Writes a rate as people write it. */
export function printRate(rate: Rate): string {
  const period = Object.entries(PERIODS).find(([, seconds]) => seconds === rate.seconds)?.[0];
  return `${rate.count}/${period ?? `${rate.seconds}s`}`;
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Reads `20MB` (10^6) or `20MiB` (2^20) as bytes; null when it is not a size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(B|KB|MB|GB|KiB|MiB|GiB)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match && unit ? Math.round(Number(match[1]) * unit) : null;
}

/** Reads `10m`, `600s`, `1h`, `250ms` as seconds; null when it is not a duration. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,7})(ms|s|m|h|d)$/.exec(text);
  const scale: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
  const unit = scale[match?.[2] ?? ''];
  return match && unit ? Number(match[1]) * unit : null;
}
