import { connect as connectH2 } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { admitted, BODY } from '../../src/probe/behaviours/cast.ts';
import { exchange } from '../../src/probe/exchange.ts';
import { peerOf, type Sketch, wireBytes } from '../../src/probe/request.ts';
import { ENGINE_NAMES, engineFor, type TestLab, testLab } from '../support/lab.ts';
import { sabotageOf } from '../support/sabotage.ts';

const SPEC = 'version: 1\nhosts: [llm.example.com]\nmodels: [http://localhost:8000]\nclients: [alice]\nauth: apiKey\n';
const PACE = { firstMs: 5, chunkMs: 100, chunks: 20 };
const STREAM = JSON.stringify({ ...(JSON.parse(BODY) as object), stream: true });

interface Streamed {
  readonly reads: number;
  /** How many tokens the double had sent when the first one was read. */
  readonly sentAtFirstRead: number;
  readonly whole: boolean;
}

function call(lab: TestLab): Sketch {
  const [alice] = lab.subject.cast;
  const sketch = alice && admitted(lab.subject, alice);
  if (!sketch) throw new Error('alice can call nothing');
  return { ...sketch, body: STREAM };
}

async function overHttp1(lab: TestLab): Promise<Streamed> {
  let sentAtFirstRead = -1;
  const outcome = await exchange(peerOf(lab.subject, call(lab)), wireBytes(lab.subject, call(lab)), {
    onRead: (text) => {
      if (sentAtFirstRead < 0 && text.includes('token0')) sentAtFirstRead = lab.double.seen.at(-1)?.chunks ?? -1;
    },
  });
  return outcome.kind === 'answer'
    ? {
        reads: outcome.reads.filter((read) => read.bytes.includes('token')).length,
        sentAtFirstRead,
        whole: outcome.complete && outcome.body.includes('[DONE]'),
      }
    : { reads: 0, sentAtFirstRead, whole: false };
}

async function overHttp2(lab: TestLab, leaveAfter = Number.POSITIVE_INFINITY): Promise<Streamed> {
  const { gateway, ca } = lab.subject;
  const session = connectH2(`https://127.0.0.1:${gateway.listen.https}`, { ca, servername: 'llm.example.com' });
  const headers = Object.fromEntries((call(lab).headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/v1/chat/completions',
    ':authority': 'llm.example.com',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(STREAM)),
    ...headers,
  });
  stream.end(STREAM);
  let [reads, sentAtFirstRead, text] = [0, -1, ''];
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      if (chunk.includes('token')) reads++;
      if (sentAtFirstRead < 0) sentAtFirstRead = lab.double.seen.at(-1)?.chunks ?? -1;
      text += chunk.toString();
      if (reads >= leaveAfter) {
        session.destroy();
        resolve();
      }
    });
    stream.on('end', resolve);
    stream.on('error', reject);
    session.on('error', reject);
  });
  session.destroy();
  return { reads, sentAtFirstRead, whole: text.includes('[DONE]') };
}

describe.for(ENGINE_NAMES.filter(engineFor))('streams on %s', (engine) => {
  test('20 tokens 100 ms apart arrive one by one, over HTTP/1.1 and HTTP/2', async () => {
    const lab = await testLab(SPEC, { on: engine });
    Object.assign(lab.double.pace, PACE);
    for (const streamed of [await overHttp1(lab), await overHttp2(lab)]) {
      console.log(`${streamed.reads} reads, the first after ${streamed.sentAtFirstRead} token(s) were sent`);
      expect(streamed.whole).toBe(true);
      expect(streamed.reads).toBeGreaterThanOrEqual(18);
      expect(streamed.sentAtFirstRead).toBe(1);
    }
    await lab.close();
  });

  test('the same look at a buffering gateway is red', async () => {
    const lab = await testLab(SPEC, { on: engine, mutate: sabotageOf(engine).buffering });
    Object.assign(lab.double.pace, PACE);
    const streamed = await overHttp1(lab);
    console.log(`buffering: ${streamed.reads} reads, the first after ${streamed.sentAtFirstRead} token(s) were sent`);
    expect(streamed.reads >= 18 && streamed.sentAtFirstRead === 1).toBe(false);
    await lab.close();
  });

  test('a client that leaves mid-stream ends the upstream request, over HTTP/1.1 and HTTP/2', async () => {
    const lab = await testLab(SPEC, { on: engine });
    Object.assign(lab.double.pace, { firstMs: 5, chunkMs: 50, chunks: 60 });
    const leave = [
      () =>
        exchange(peerOf(lab.subject, call(lab)), wireBytes(lab.subject, call(lab)), {
          onRead: (text, socket) => void (text.includes('token2') && socket.destroy()),
        }),
      () => overHttp2(lab, 3).catch(() => null),
    ];
    for (const leaving of leave) {
      await leaving();
      const seen = lab.double.seen.at(-1);
      const end = performance.now() + 2000;
      while (!seen?.aborted && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(seen?.aborted).toBe(true);
      expect(seen?.chunks).toBeLessThan(60);
    }
    await lab.close();
  });

  test('an open stream survives a reload', async () => {
    const lab = await testLab(SPEC, { on: engine });
    Object.assign(lab.double.pace, { firstMs: 5, chunkMs: 60, chunks: 20 });
    const open = overHttp1(lab);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await lab.running().reload();
    expect((await open).whole).toBe(true);
    await lab.close();
  });
});
