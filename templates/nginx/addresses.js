// Addresses as 32 hex digits, as docs/policy.md has them: IPv4 stands in ::ffff:0:0/96.
const MAPPED = '00000000000000000000ffff';

function ipv4Hex(text, prefix) {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let hex = prefix;
  for (let i = 0; i < 4; i++) {
    if (!/^(0|[1-9]\d{0,2})$/.test(parts[i]) || Number(parts[i]) > 255) return null;
    hex += ('0' + Number(parts[i]).toString(16)).slice(-2);
  }
  return hex;
}

function groupsHex(text, mayEndInIpv4) {
  if (text === '') return '';
  const parts = text.split(':');
  let hex = '';
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].indexOf('.') >= 0) {
      const v4 = mayEndInIpv4 && i === parts.length - 1 ? ipv4Hex(parts[i], '') : null;
      if (v4 === null) return null;
      hex += v4;
    } else if (/^[0-9a-f]{1,4}$/.test(parts[i])) hex += ('000' + parts[i]).slice(-4);
    else return null;
  }
  return hex;
}

/** An address as 32 hex digits; IPv4 in ::ffff:0:0/96. Null when it is no address. */
function addressHex(text) {
  if (text.indexOf(':') < 0) return ipv4Hex(text, MAPPED);
  const halves = text.toLowerCase().split('::');
  if (halves.length > 2) return null;
  const head = groupsHex(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groupsHex(halves[1], true) : '';
  if (head === null || tail === null) return null;
  const missing = 32 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 4) return null;
  return head + '0'.repeat(missing) + tail;
}

function inRanges(ranges, hex) {
  for (let i = 0; i < ranges.length; i++) {
    const bits = ranges[i].bits;
    const whole = Math.floor(bits / 4);
    if (ranges[i].hex.slice(0, whole) !== hex.slice(0, whole)) continue;
    if (bits % 4 === 0) return true;
    const keep = (0xf0 >> (bits % 4)) & 0xf;
    if ((parseInt(ranges[i].hex.charAt(whole), 16) & keep) === (parseInt(hex.charAt(whole), 16) & keep)) return true;
  }
  return false;
}

function stripPort(entry) {
  const bracketed = /^\[([^\]]*)\](:\d{1,5})?$/.exec(entry);
  if (bracketed) return bracketed[1];
  return /^[^:]*:\d{1,5}$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry;
}

/** Dotted for IPv4, mapped or not. */
function addressText(address) {
  const hex = addressHex(address);
  if (hex === null || hex.slice(0, 24) !== MAPPED) return address.toLowerCase();
  const parts = [];
  for (let i = 24; i < 32; i += 2) parts.push(parseInt(hex.slice(i, i + 2), 16));
  return parts.join('.');
}

/** What failures are counted by: an IPv4 address, or the /64 of another. */
function counted(hex) {
  return hex.slice(0, 24) === MAPPED ? hex : hex.slice(0, 16);
}

export default { hex: addressHex, text: addressText, inRanges, stripPort, counted };
