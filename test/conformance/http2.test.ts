import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/probe/exchange.ts';
import { ENGINE_NAMES, engineFor, type TestLab, testLab } from '../support/lab.ts';

const SPEC = `version: 1
hosts: [llm.example.com, other.example.com]
models: [{ upstream: "http://127.0.0.1:1", key: required }]
clients: [alice]
auth: { require: apiKey or ip, ip: { allow: [10.0.0.0/8], as: alice } }
cors: [https://chat.example.com]
limits: { body: 1KB }
`;

/** One request over HTTP/2: its answer, and how many requests the double saw of it. */
async function ask(lab: TestLab, headers: OutgoingHttpHeaders, body = ''): Promise<{ status: number; code: string | null; seen: number }> {
  const { gateway, ca } = lab.subject;
  const before = lab.double.seen.length;
  const session = connect(`https://127.0.0.1:${gateway.listen.https}`, { ca, servername: 'llm.example.com' });
  try {
    const stream = session.request(
      { ':authority': 'llm.example.com', ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }), ...headers },
      { endStream: body === '' },
    );
    if (body !== '') stream.end(body);
    const [status, text] = await new Promise<[number, string]>((resolve, reject) => {
      let [seen, collected] = [0, ''];
      stream.on('response', (answer) => {
        seen = Number(answer[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        collected += chunk.toString();
      });
      stream.on('end', () => resolve([seen, collected]));
      stream.on('error', reject);
      session.on('error', reject);
    });
    return { status, code: errorCode(text), seen: lab.double.seen.length - before };
  } finally {
    session.destroy();
  }
}

describe.for(ENGINE_NAMES.filter(engineFor))('the same answers over HTTP/2 on %s', (engine) => {
  test('credentials, routes, hosts, sizes', async () => {
    const lab = await testLab(SPEC, { on: engine });
    const key = { authorization: `Bearer ${lab.subject.cast[0]?.key}` };
    const chat = { ':method': 'POST', ':path': '/v1/chat/completions', 'content-type': 'application/json' };
    const rows: [string, OutgoingHttpHeaders, string, { status: number; code: string | null; seen: number }][] = [
      ['a key', { ...chat, ...key }, '{}', { status: 200, code: null, seen: 1 }],
      ['nothing', chat, '{}', { status: 401, code: 'invalid_credentials', seen: 0 }],
      ['an unknown route', { ...chat, ...key, ':path': '/invocations' }, '{}', { status: 404, code: 'not_found', seen: 0 }],
      ['a wrong method', { ...key, ':method': 'DELETE', ':path': '/v1/models' }, '', { status: 405, code: 'method_not_allowed', seen: 0 }],
      ['a doubled slash', { ...key, ':method': 'GET', ':path': '//v1/models' }, '', { status: 400, code: 'bad_request', seen: 0 }],
      ['a secret in the query', { ...key, ':path': '/v1/models?token=x' }, '', { status: 400, code: 'bad_request', seen: 0 }],
      ['another host', { ...key, ':path': '/v1/models', ':authority': 'evil.example' }, '', { status: 400, code: 'unknown_host', seen: 0 }],
      ['the other host', { ...key, ':path': '/v1/models', ':authority': 'other.example.com:1' }, '', { status: 200, code: null, seen: 1 }],
      [
        'a Host that differs',
        { ...key, ':path': '/v1/models', host: 'other.example.com' },
        '',
        // The others are told of :authority alone, and that is what decides (docs/behaviours.md).
        engine !== 'nginx' ? { status: 200, code: null, seen: 1 } : { status: 400, code: 'bad_request', seen: 0 },
      ],
      [
        'two keys',
        { ...key, ':path': '/v1/models', 'x-api-key': 'another-key-0123456' },
        '',
        { status: 400, code: 'ambiguous_credentials', seen: 0 },
      ],
      [
        'a forged address',
        { ':path': '/v1/models', 'x-forwarded-for': '10.0.0.1' },
        '',
        { status: 401, code: 'invalid_credentials', seen: 0 },
      ],
      [
        'headers of 34 KB',
        { ...key, ':path': '/v1/models', 'x-pad': 'x'.repeat(34_000) },
        '',
        { status: 431, code: 'headers_too_large', seen: 0 },
      ],
      ['a target of 9 KB', { ...key, ':path': `/v1/models?${'x'.repeat(9000)}` }, '', { status: 414, code: 'uri_too_long', seen: 0 }],
      ['a body over the limit', { ...chat, ...key }, 'x'.repeat(1001), { status: 413, code: 'body_too_large', seen: 0 }],
      ['an encoded body', { ...chat, ...key, 'content-encoding': 'gzip' }, 'x', { status: 415, code: 'unsupported_encoding', seen: 0 }],
    ];
    for (const [name, headers, body, expected] of rows) expect({ name, ...(await ask(lab, headers, body)) }).toEqual({ name, ...expected });
    await lab.close();
  });
});
