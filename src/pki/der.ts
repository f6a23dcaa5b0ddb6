import forge from 'node-forge';

/*
 * DER by node-forge, keys and signatures by node:crypto. Forge verifies nothing here: its published flaws sit in
 * verifying and parsing (CVE-2025-12816, CVE-2026-33894 and others), none in writing.
 */
const { asn1 } = forge;
export type Der = forge.asn1.Asn1;
const T = asn1.Type;

const make = (type: forge.asn1.Type, constructed: boolean, value: string | Der[]): Der =>
  asn1.create(asn1.Class.UNIVERSAL, type, constructed, value);

export const sequence = (...items: Der[]): Der => make(T.SEQUENCE, true, items);
export const set = (...items: Der[]): Der => make(T.SET, true, items);
export const oid = (dotted: string): Der => make(T.OID, false, asn1.oidToDer(dotted).getBytes());
export const boolean = (value: boolean): Der => make(T.BOOLEAN, false, value ? '\xff' : '\0');
export const octets = (bytes: Uint8Array): Der => make(T.OCTETSTRING, false, binary(bytes));
export const bits = (bytes: Uint8Array, unused = 0): Der => make(T.BITSTRING, false, String.fromCharCode(unused) + binary(bytes));
/** A non-negative integer of big-endian bytes. */
export const integer = (bytes: Uint8Array): Der => make(T.INTEGER, false, ((bytes[0] ?? 0) & 0x80 ? '\0' : '') + binary(bytes));
export const utf8 = (text: string): Der => make(T.UTF8, false, forge.util.encodeUtf8(text));
/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
export const time = (date: Date): Der =>
  date.getUTCFullYear() < 2050
    ? make(T.UTCTIME, false, asn1.dateToUtcTime(date))
    : make(T.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
export const tagged = (tag: number, constructed: boolean, value: string | Der[]): Der =>
  asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, constructed, value);

export const encode = (value: Der): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'binary');
export const decode = (bytes: Uint8Array): Der => asn1.fromDer(forge.util.createBuffer(binary(bytes)));

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('binary');
}

/** RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
