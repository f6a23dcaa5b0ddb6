import { addressHex, cidrContains } from '../../gateway/address.ts';
import type { Sketch } from '../request.ts';
import { type Subject, TRUSTED_PEER } from '../subject.ts';
import type { Behaviour, Case } from './behaviour.ts';
import { callOf, showing, typicalRoute } from './cast.ts';

/** Ways to write an address, and what only looks like one. */
const FORMS = [
  '203.0.113.7',
  '203.0.113.07',
  '203.0.113.256',
  '203.0.113',
  '203.0.113.7.1',
  '203.0.113.7:4711',
  '203.0.113.7:',
  '203.0.113.7:471100',
  '[2001:db8::7]',
  '[2001:db8::7]:443',
  '[2001:db8::7]443',
  '[2001:db8::7',
  '2001:db8::7',
  '2001:DB8:0:0:0:0:0:7',
  '2001:0db8::0007',
  '2001:db8::00007',
  '2001:db8:::7',
  '2001:db8::7::1',
  '2001:db8:1:2:3:4:5:7',
  '2001:db8:1:2:3:4:5',
  '2001:db8:1:2:3:4:5:6:7',
  '2001:db8:1:2:3:4::7',
  '2001:db8:1:2:3:4:5::',
  '::1',
  '::',
  ':1',
  '::ffff:203.0.113.7',
  '::FFFF:CB00:7107',
  '::203.0.113.7',
  '::ffff:203.0.113',
  '::203.0.113.7:1',
  '64:ff9b::192.0.2.33',
  '2001:db8:1:2:3:4:203.0.113.7',
  '203.0.113.7::',
  '203.0.113.7::1',
  '2001:db8:203.0.113.7::1',
  'fe80::1%eth0',
  '2001:db8::g',
  'unknown',
  '_hidden',
  `203.0.113.7, ${TRUSTED_PEER}`,
  `203.0.113.7,${TRUSTED_PEER} , ${TRUSTED_PEER}`,
  `${TRUSTED_PEER}`,
  'nonsense, 203.0.113.7',
  '203.0.113.7, nonsense',
] as const;

/** These addresses for a request that passes; by a way in that asks for an address, where there is one. */
function from(subject: Subject, addresses: readonly (readonly [title: string, address: string])[]): Case[] {
  const good = passing(subject);
  return good ? addresses.map(([title, address]) => ({ title, sketch: { ...good, from: address }, opened: good })) : [];
}

function passing(subject: Subject): Sketch | null {
  const branches = subject.gateway.access.branches.toSorted((a, b) => Number(b.includes('ip')) - Number(a.includes('ip')));
  for (const branch of branches)
    for (const who of subject.cast) {
      const show = showing(subject, who, branch);
      const route = typicalRoute(subject, who.client);
      if (show && route) return { ...callOf(route), ...show };
    }
  return null;
}

export const addressForms: Behaviour = {
  id: 'access/address-forms',
  promise: 'An address is read the same however it is written, and what is none is none.',
  source: 'DECISION section 3 (Address); RFC 4291 section 2.2',
  cases: (subject) =>
    from(
      subject,
      FORMS.map((form) => [`X-Forwarded-For: ${form}`, form]),
    ),
};

export const addressEdges: Behaviour = {
  id: 'access/address-edges',
  promise: 'A range ends where its mask says.',
  source: 'DECISION section 3 (Address)',
  cases: (subject) => from(subject, subject.gateway.access.allow.flatMap(edges)),
};

/** The last address before a range, its first and last, and the first behind it. */
function edges(range: { readonly text: string; readonly hex: string; readonly bits: number }): [string, string][] {
  const first = BigInt(`0x${range.hex}`);
  const last = first + (1n << BigInt(128 - range.bits)) - 1n;
  return [
    [`before ${range.text}`, first - 1n],
    [`first of ${range.text}`, first],
    [`last of ${range.text}`, last],
    [`behind ${range.text}`, last + 1n],
  ].flatMap(([title, value]): [string, string][] => {
    const text = written(value as bigint);
    const hex = text === null ? null : addressHex(text);
    return text === null || hex === null ? [] : [[`${title} (${cidrContains(range, hex) ? 'inside' : 'outside'})`, text]];
  });
}

function written(value: bigint): string | null {
  if (value < 0n || value >> 128n) return null;
  const hex = value.toString(16).padStart(32, '0');
  if (hex.startsWith('00000000000000000000ffff')) return [24, 26, 28, 30].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)).join('.');
  return (hex.match(/.{4}/g) ?? []).join(':');
}
