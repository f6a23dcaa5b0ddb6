import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressHex, callerAddress, cidrContains, cidrsOverlap, failureAddress, parseCidr } from '../../src/gateway/address.ts';

const range = (text: string) => {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(text);
  return cidr;
};
const trusted = [range('10.0.0.0/8'), range('2001:db8::/32')];

describe('addresses', () => {
  test('are read as node reads them', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => addressHex(text) !== null));
    fc.assert(fc.property(fc.string(), (text) => (isIP(text) !== 0 && !text.includes('%')) === (addressHex(text) !== null)));
  });

  test('IPv4-mapped IPv6 is IPv4', () => {
    expect(addressHex('::ffff:10.1.2.3')).toBe(addressHex('10.1.2.3'));
    expect(addressHex('::ffff:a01:203')).toBe(addressHex('10.1.2.3'));
  });

  test.each([
    '10.1.2.3:80',
    '1.2.3',
    '01.2.3.4',
    '256.1.1.1',
    '::1%eth0',
    '1::2::3',
    ':::',
    '12345::',
    '',
    ' 1.2.3.4',
    '1:2:3:4:5:6:7:8:9',
    '1.2.3.4::',
  ])('%j is none', (text) => expect(addressHex(text)).toBeNull());

  test('ranges', () => {
    expect(cidrContains(range('192.168.4.0/23'), addressHex('192.168.5.255') ?? '')).toBe(true);
    expect(cidrContains(range('192.168.4.0/23'), addressHex('192.168.6.0') ?? '')).toBe(false);
    expect(cidrContains(range('2001:db8::/33'), addressHex('2001:db8:8000::') ?? '')).toBe(false);
    expect(parseCidr('10.0.0.1/8')).toBeNull();
    expect(parseCidr('10.0.0.0/33')).toBeNull();
    expect(parseCidr('10.0.0.0/')).toBeNull();
    expect(cidrsOverlap(range('10.0.0.0/8'), range('10.9.0.0/16'))).toBe(true);
    expect(cidrsOverlap(range('0.0.0.0/0'), range('2001:db8::/32'))).toBe(false);
  });

  test.each([
    ['203.0.113.9', ['1.2.3.4'], '203.0.113.9'],
    ['10.0.0.1', [], '10.0.0.1'],
    ['10.0.0.1', ['1.2.3.4'], '1.2.3.4'],
    ['10.0.0.1', ['9.9.9.9, 1.2.3.4, 10.0.0.2'], '1.2.3.4'],
    ['10.0.0.1', ['9.9.9.9', '1.2.3.4'], '1.2.3.4'],
    ['10.0.0.1', ['1.2.3.4:5555'], '1.2.3.4'],
    ['10.0.0.1', ['[2001:4860::1]:443'], '2001:4860::1'],
    ['10.0.0.1', ['1.2.3.4, unknown'], null],
    ['10.0.0.1', ['unknown, 1.2.3.4'], '1.2.3.4'],
    ['10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    ['10.0.0.1', [''], null],
  ])('behind trusted proxies: %s %j is %s', (peer, forwarded, expected) => expect(callerAddress(peer, forwarded, trusted)).toBe(expected));

  test('failures are counted by /64 in IPv6', () => {
    expect(failureAddress(addressHex('2001:db8::1') ?? '')).toBe(failureAddress(addressHex('2001:db8::ffff') ?? ''));
    expect(failureAddress(addressHex('10.0.0.1') ?? '')).not.toBe(failureAddress(addressHex('10.0.0.2') ?? ''));
  });
});
