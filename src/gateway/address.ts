/**
 * Addresses as 32 hex digits of an IPv6 address; IPv4 stands in ::ffff:0:0/96, so that an IPv4-mapped
 * address and the IPv4 address are one (DECISION section 3). The gates compare the same digits.
 */
export interface Cidr {
  readonly text: string;
  readonly hex: string;
  readonly bits: number;
}

const MAPPED = '00000000000000000000ffff';

/** The 32 hex digits of an address, or null when the text is not exactly one address (no port, no zone). */
export function addressHex(text: string): string | null {
  if (!text.includes(':')) return ipv4Hex(text, MAPPED);
  const halves = text.toLowerCase().split('::');
  if (halves.length > 2) return null;
  const head = groups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] ?? '', true) : '';
  if (head === null || tail === null) return null;
  const missing = 32 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 4) return null;
  return head + '0'.repeat(missing) + tail;
}

function ipv4Hex(text: string, prefix: string): string | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let hex = prefix;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    hex += Number(part).toString(16).padStart(2, '0');
  }
  return hex;
}

function groups(text: string, mayEndInIpv4: boolean): string | null {
  if (text === '') return '';
  let hex = '';
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = mayEndInIpv4 && i === parts.length - 1 ? ipv4Hex(part, '') : null;
      if (v4 === null) return null;
      hex += v4;
    } else if (/^[0-9a-f]{1,4}$/.test(part)) hex += part.padStart(4, '0');
    else return null;
  }
  return hex;
}

/** The address as text for headers and logs: dotted for IPv4, mapped or not; else as it was written, in lower case. */
export function addressText(text: string): string {
  const hex = addressHex(text);
  if (hex === null || !hex.startsWith(MAPPED)) return text.toLowerCase();
  return [24, 26, 28, 30].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)).join('.');
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; null when it is neither, or has bits set below its mask. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const hex = addressHex(slash < 0 ? text : text.slice(0, slash));
  if (hex === null) return null;
  const v4 = !text.includes(':');
  const size = slash < 0 ? (v4 ? 32 : 128) : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  const bits = v4 ? size + 96 : size;
  if (size < 0 || bits > 128) return null;
  const range = { text, hex, bits };
  return mask(hex, bits) === hex ? range : null;
}

function mask(hex: string, bits: number): string {
  const whole = Math.floor(bits / 4);
  if (whole >= 32) return hex;
  const keep = Number.parseInt(hex.charAt(whole), 16) & (0xf0 >> (bits % 4)) & 0xf;
  return hex.slice(0, whole) + keep.toString(16) + '0'.repeat(31 - whole);
}

export function cidrContains(range: Cidr, hex: string): boolean {
  return mask(hex, range.bits) === range.hex;
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.bits <= b.bits ? cidrContains(a, b.hex) : cidrContains(b, a.hex);
}

/** Who is calling: the peer, or behind trusted proxies the rightmost untrusted entry of X-Forwarded-For; null when unknown. */
export function callerAddress(peer: string, forwardedFor: readonly string[], trusted: readonly Cidr[]): string | null {
  const peerHex = addressHex(peer);
  if (peerHex === null) return null;
  if (!trusted.some((range) => cidrContains(range, peerHex))) return peer;
  const entries = forwardedFor.join(',').split(',').reverse();
  if (forwardedFor.length === 0) return peer;
  let last = peer;
  for (const entry of entries) {
    const address = stripPort(entry.trim());
    const hex = addressHex(address);
    if (hex === null) return null;
    last = address;
    if (!trusted.some((range) => cidrContains(range, hex))) return address;
  }
  return last;
}

function stripPort(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry);
  if (bracketed) return bracketed[1] ?? '';
  return /^[^:]*:\d{1,5}$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry;
}

/** What failures are counted by: the IPv4 address, or the /64 of an IPv6 address. */
export function failureAddress(hex: string): string {
  return hex.startsWith(MAPPED) ? hex : hex.slice(0, 16);
}
