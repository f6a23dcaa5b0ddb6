import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { basic } from '../../src/probe/behaviours/cast.ts';
import { startDouble } from '../../src/probe/double.ts';
import { end, launch, runAs } from '../../src/probe/engines/process.ts';
import { errorCode, exchange } from '../../src/probe/exchange.ts';
import { giveTo, makeSubject } from '../../src/probe/subject.ts';
import { engineFor, tools } from '../support/lab.ts';
import { specOf } from '../support/spec.ts';

/* The lines that an nginx takes which is there already: its own hosts, folders and defaults, gzip and caching switched on. */
const PORT = 19_700;
const SPEC =
  'version: 1\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1", key: required }]\nclients: [{ name: alice, sub: s-1 }]\n' +
  'auth: { require: apiKey or basic or mtls or jwt, jwt: { issuer: i, audience: a, keys: jwks.json } }\n';

/** The lines of the README that this level takes, as a user copies them. */
function linesFor(readme: string, first: RegExp): string {
  const blocks = readme.split(/\n\n/).filter((block) => block.split('\n').every((line) => line.startsWith('    ') || line === ''));
  const found = blocks.find((block) => first.test(block));
  if (!found) throw new Error(`the README has no lines like ${first}`);
  return found.replace(/^ {4}/gm, '');
}

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!engineFor('nginx'))('nginx as pieces', () => {
  test('guard their own host and leave the others alone', async () => {
    const double = await startDouble();
    const subject = await makeSubject(specOf(SPEC), { proxy: 'nginx', upstream: double.port, tools: tools() });
    const root = mkdtempSync(join(tmpdir(), 'foreign-nginx-'));
    const pieces = join(subject.paths.project, subject.output, 'nginx', 'snippet');
    const readme = readFileSync(join(pieces, 'README.md'), 'utf8');
    // This machine's own places: here nobody may write to /run and /var/log.
    for (const name of ['http.conf', 'server.conf'])
      writeFileSync(
        join(pieces, name),
        readFileSync(join(pieces, name), 'utf8').replaceAll('/run/gatewright-', `${root}/`).replaceAll('/var/log/nginx/', `${root}/`),
      );
    symlinkSync(subject.paths.project, join(root, 'gatewright'));
    writeFileSync(join(root, 'index.html'), 'their own page\n');
    writeFileSync(
      join(root, 'nginx.conf'),
      `${linesFor(readme, /load_module/).replace('modules/', '/usr/lib/nginx/modules/')}
pid ${root}/nginx.pid;
error_log ${root}/error.log error;
events { worker_connections 256; }
http {
  default_type application/octet-stream;
  gzip on;
  gzip_types *;
  gzip_min_length 1;
  keepalive_timeout 5s;
  access_log ${root}/their.log combined;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${root}/${name};`).join('\n  ')}
${linesFor(readme, /include .*http\.conf/)}
${linesFor(readme, /^ {4}server \{/).replace('listen 443', `listen 127.0.0.1:${PORT}`)}
  server {
    listen 127.0.0.1:${PORT + 1} default_server;
    root ${root};
    location = /index.html { }
  }
}
`,
    );
    const as = runAs();
    if (as)
      for (const name of ['', ...readdirSync(root).filter((one) => one !== 'gatewright')]) chownSync(join(root, name), as.uid, as.gid);
    chmodSync(root, 0o755);
    giveTo(subject.paths.project);
    // Started from elsewhere, as a service is: nothing may depend on where.
    const { child } = await launch('/usr/sbin/nginx', ['-c', join(root, 'nginx.conf'), '-g', 'daemon off;'], '/', PORT + 1);
    onTestFinished(async () => {
      await end(child);
      await double.stop();
      subject.remove();
      rmSync(root, { recursive: true, force: true });
    });

    const [alice] = subject.cast;
    const ask = async (certificate: boolean, ...lines: string[]) => {
      const tls = { ca: subject.ca, servername: 'llm.example.com', ...(certificate && alice?.certificate ? alice.certificate : {}) };
      const outcome = await exchange(
        { port: PORT, tls },
        Buffer.from(['GET /v1/models HTTP/1.1', 'Host: llm.example.com', ...lines, 'Connection: close', '', ''].join('\r\n')),
      );
      if (outcome.kind !== 'answer') return outcome.error;
      return outcome.status < 400 ? outcome.status : `${outcome.status} ${errorCode(outcome.body)}`;
    };
    const theirs = () =>
      exchange({ port: PORT + 1 }, Buffer.from('GET /index.html HTTP/1.1\r\nHost: their.example\r\nConnection: close\r\n\r\n'));

    expect(await ask(false)).toBe('401 invalid_credentials');
    expect(await ask(false, 'Authorization: Bearer EMPTY-EMPTY-EMPTY')).toBe('401 invalid_credentials');
    expect(await ask(false, `Authorization: ${basic('alice', 'wrong-password-1')}`)).toBe('401 invalid_credentials');
    expect(double.seen).toHaveLength(0);
    const token = subject.issuer?.sign('RS256', { iss: 'i', aud: 'a', sub: 's-1', exp: Math.floor(Date.now() / 1000) + 60 });
    expect(await ask(false, `Authorization: Bearer ${alice?.key}`)).toBe(200);
    expect(await ask(false, `Authorization: ${basic('alice', alice?.password ?? '')}`)).toBe(200);
    expect(await ask(false, `Authorization: Bearer ${token}`)).toBe(200);
    expect(await ask(true)).toBe(200);
    expect(double.seen.map((one) => one.headers.find(([name]) => name === 'x-gatewright-client')?.[1])).toEqual(
      Array.from({ length: 4 }, () => 'alice'),
    );
    expect(await theirs()).toMatchObject({ status: 200, body: 'their own page\n' });
    // Each has its own log.
    expect(readFileSync(join(root, 'their.log'), 'utf8')).not.toContain('/v1/models');
    expect(readFileSync(join(root, 'their.log'), 'utf8')).toContain('index.html');
    expect(readFileSync(join(root, 'gatewright.log'), 'utf8')).toContain('"client":"alice"');
  });
});
