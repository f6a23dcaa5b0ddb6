// npm run bench: what a gate costs beside the same engine without one. Interleaved, so that whatever else the machine does
// hits all alike; ratios are to be trusted, not the numbers themselves. GATEWRIGHT_BENCH_REQUESTS says how many a round.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { statePaths } from '../dist/credentials/paths.js';
import { createKey, readKeys } from '../dist/credentials/api-key.js';
import { changeState } from '../dist/credentials/state.js';
import { writeAtomic } from '../dist/credentials/store.js';
import { startDouble } from '../dist/probe/double.js';
import { ENGINES } from '../dist/probe/engines/index.js';
import { forge } from '../dist/probe/behaviours/cast.js';
import { makeSubject, regenerate } from '../dist/probe/subject.js';
import { readSpec } from '../dist/spec/read.js';
import { startBare } from './bare.js';
import { cpuPerRequest, firstByte, median } from './measure.js';

const REQUESTS = Number(process.env.GATEWRIGHT_BENCH_REQUESTS ?? 4000);
const ROUNDS = 3;
const tools = { now: new Date(), random: (size) => randomBytes(size) };
const engines = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['nginx', 'httpd', 'traefik'];

const spec = (auth, more = '') =>
  readSpec(
    'gatewright.yaml',
    `version: 1\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1", key: required }]\nclients: [alice]\nauth: ${auth}\n${more}`,
  ).spec;
const JWT = '{ require: jwt, jwt: { issuer: i, audience: a, keys: jwks.json, role: default } }';
const WIDE = 'limits: { concurrent: 1000 }\n';

const get = (headers) => ({ method: 'GET', path: '/v1/models', headers });
const bearer = (token) => get({ authorization: `Bearer ${token}` });
const token = (alg) => (subject) => {
  // More than any engine remembers: what it remembers of a token would hide what it costs.
  let n = 0;
  const many = Array.from({ length: 1500 }, (_, i) => forge(subject, { sub: 'u-1', n: i }, alg));
  return () => bearer(many[n++ % many.length]);
};
const key = (subject) => () => bearer(subject.cast[0].key);

/** name, spec, keys in the store, how a caller shows itself. */
const VARIANTS = [
  ['api key, 1', spec('apiKey', WIDE), 1, key],
  ['api key, 100', spec('apiKey', WIDE), 100, key],
  ['api key, 10,000', spec('apiKey', WIDE), 10_000, key],
  [
    'api key, role, rate',
    spec('apiKey', `${WIDE}roles: { default: { routes: [openai], requests: 100000/second, concurrent: 500 } }`),
    1,
    key,
  ],
  ['JWT RS256', spec(JWT, WIDE), 1, token('RS256')],
  ['JWT ES256', spec(JWT, WIDE), 1, token('ES256')],
  [
    'password, remembered',
    spec('basic', WIDE),
    1,
    (subject) => () => get({ authorization: `Basic ${Buffer.from(`alice:${subject.cast[0].password}`).toString('base64')}` }),
  ],
];

/** Fills the store with keys of nobody in particular, and writes the gateway again. */
function addKeys(subject, wanted) {
  if (wanted <= 1) return;
  const { paths } = subject;
  changeState(paths, () => {
    createKey(paths, { client: 'alice', created: tools.now, expires: null }, tools.random);
    const keys = readKeys(paths);
    const more = Array.from({ length: wanted - 1 }, () => ({
      ...keys[0],
      id: randomBytes(6).toString('hex'),
      sha256: randomBytes(32).toString('hex'),
    }));
    writeAtomic(paths.keys, JSON.stringify({ version: 1, keys: [...keys, ...more] }), 0o644);
  });
  regenerate(subject);
}

async function benchEngine(name) {
  const found = ENGINES[name]();
  if (!found.engine) throw new Error(`${name} is missing: ${found.install}`);
  const double = await startDouble();
  const contestants = [];
  const bare = await startBare(name, 19_500, double.port);
  contestants.push({ title: 'bare TLS proxy', pid: bare.pid, port: 19_500, call: () => get({}), stop: bare.stop });
  for (const [title, text, keys, caller] of VARIANTS) {
    const subject = await makeSubject(text, { proxy: name, upstream: double.port, tools });
    addKeys(subject, keys);
    const running = await found.engine.start(subject.paths.project, subject.output, subject.gateway.listen.https);
    contestants.push({
      title,
      pid: running.pid,
      port: subject.gateway.listen.https,
      call: caller(subject),
      stop: async () => {
        await running.stop();
        subject.remove();
      },
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const cpu = contestants.map(() => []);
  const first = contestants.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, one] of contestants.entries()) {
      cpu[i].push(await cpuPerRequest(one.pid, one.port, one.call, REQUESTS));
      first[i].push(await firstByte(one.port, one.call, 200));
    }
    double.seen.length = 0;
  }
  for (const one of contestants) await one.stop();
  await double.stop();
  const base = median(cpu[0]);
  const baseFirst = median(first[0]);
  console.log(`\n${found.engine.label}\n`);
  console.log('| | CPU µs a request | × bare | first byte ms | added ms |\n|---|---|---|---|---|');
  for (const [i, { title }] of contestants.entries())
    console.log(
      `| ${title} | ${median(cpu[i]).toFixed(0)} | ${(median(cpu[i]) / base).toFixed(2)} | ${median(first[i]).toFixed(2)} | ${(median(first[i]) - baseFirst).toFixed(2)} |`,
    );
}

if (!process.env.GATEWRIGHT_BENCH_GENERATE_ONLY) for (const name of engines) await benchEngine(name);

/** Seconds that `generate` takes for 10,000 clients with a key each, as a user calls it. */
function timeGenerate(name) {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bench-'));
  const clients = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
  writeFileSync(
    join(folder, 'gatewright.yaml'),
    `version: 1\nproxy: ${name}\nhosts: [llm.example.com]\nmodels: [{ upstream: "http://127.0.0.1:1" }]\nclients: [${clients.join(', ')}]\nauth: apiKey\ntls: self-signed\n`,
  );
  const created = new Date().toISOString();
  const keys = clients.map((client) =>
    JSON.stringify({ id: randomBytes(6).toString('hex'), client, sha256: randomBytes(32).toString('hex'), created, expires: null }),
  );
  const paths = statePaths(folder);
  mkdirSync(dirname(paths.keys), { recursive: true });
  writeFileSync(paths.keys, `{"version":1,"keys":[\n${keys.join(',\n')}\n]}\n`);
  const start = performance.now();
  execFileSync(process.execPath, [join(import.meta.dirname, '../bin/gatewright.js'), 'generate'], { cwd: folder, stdio: 'pipe' });
  const seconds = (performance.now() - start) / 1000;
  const lines = readFileSync(join(folder, 'gateway', name, name === 'nginx' ? 'api-keys.map' : 'api-keys.txt'), 'utf8').split('\n').length;
  if (lines < clients.length) throw new Error(`generate wrote ${lines} lines for ${clients.length} keys`);
  rmSync(folder, { recursive: true });
  return seconds;
}

for (const name of engines) console.log(`\ngenerate for 10,000 clients with a key each, ${name}: ${timeGenerate(name).toFixed(2)} s`);
