import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { open, type Peer } from './exchange.ts';

/* As much of RFC 6455 as an echo needs: text frames of up to 125 bytes, and a close. */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 0x1;
const CLOSE = 0x8;
const TIMEOUT_MS = 5000;

/** What a server answers to a client's key (section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

function frame(opcode: number, payload: Buffer, masked: boolean): Buffer {
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const body = masked ? payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) : payload;
  return Buffer.concat([Buffer.from([0x80 | opcode, (masked ? 0x80 : 0) | payload.length]), mask, body]);
}

/** Takes whole frames off the front of what has come; the rest stays. */
function take(buffer: Buffer): { frames: { opcode: number; payload: Buffer }[]; rest: Buffer } {
  const frames: { opcode: number; payload: Buffer }[] = [];
  let rest = buffer;
  while (rest.length >= 2) {
    const masked = ((rest[1] ?? 0) & 0x80) !== 0;
    const size = (rest[1] ?? 0) & 0x7f;
    const start = masked ? 6 : 2;
    if (rest.length < start + size) break;
    const mask = rest.subarray(2, 6);
    const payload = Buffer.from(rest.subarray(start, start + size)).map((byte, i) => (masked ? byte ^ (mask[i % 4] ?? 0) : byte));
    frames.push({ opcode: (rest[0] ?? 0) & 0xf, payload: Buffer.from(payload) });
    rest = rest.subarray(start + size);
  }
  return { frames, rest };
}

/** The server's side: sends every text back, until the client closes. */
export function echo(socket: Socket, key: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
  );
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    const { frames, rest } = take(Buffer.concat([pending, chunk]));
    pending = Buffer.from(rest);
    for (const { opcode, payload } of frames) {
      socket.write(frame(opcode, payload, false));
      if (opcode === CLOSE) socket.end();
    }
  });
}

export interface Conversation {
  readonly status: number;
  /** Whether the server proved that it read the key. */
  readonly accepted: boolean;
  readonly heard: readonly string[];
}

/** The client's side: a handshake, then each text after the echo of the one before. `while_` runs with the connection open. */
export function converse(
  peer: Peer,
  handshake: Buffer,
  key: string,
  texts: readonly string[],
  whileOpen: () => Promise<void> = async () => {},
): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const socket = open(peer);
    const heard: string[] = [];
    let head = '';
    let pending = Buffer.alloc(0);
    const finish = (): void => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), accepted: head.includes(acceptOf(key)), heard });
    };
    const say = (): void => {
      const next = texts[heard.length];
      if (next !== undefined) socket.write(frame(TEXT, Buffer.from(next), true));
      else
        whileOpen().then(() => {
          socket.write(frame(CLOSE, Buffer.alloc(0), true));
          finish();
        }, reject);
    };
    socket.setTimeout(TIMEOUT_MS, finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.once(peer.tls ? 'secureConnect' : 'connect', () => socket.write(handshake));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (head === '') {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        head = pending.subarray(0, end).toString('latin1');
        pending = Buffer.from(pending.subarray(end + 4));
        if (!head.startsWith('HTTP/1.1 101')) return finish();
        return say();
      }
      const { frames, rest } = take(pending);
      pending = Buffer.from(rest);
      for (const { opcode, payload } of frames) {
        if (opcode !== TEXT) return finish();
        heard.push(payload.toString());
        say();
      }
    });
  });
}
