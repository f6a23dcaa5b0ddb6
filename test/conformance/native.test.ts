import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readAllPasswords, setPassword } from '../../src/credentials/htpasswd.ts';
import { statePaths, type StatePaths } from '../../src/credentials/paths.ts';
import { Secret } from '../../src/credentials/secret.ts';
import { changeState } from '../../src/credentials/state.ts';
import { applyChanges, planChanges } from '../../src/output/plan.ts';
import { loadText, renderGateway } from '../../src/pipeline.ts';
import { prepare, writeUpstreamKey } from '../../src/prepare.ts';
import { derivePrivateFiles } from '../../src/private-files.ts';
import { startDouble } from '../../src/probe/double.ts';
import { end, launch } from '../../src/probe/engines/process.ts';
import { exchange } from '../../src/probe/exchange.ts';
import { giveTo } from '../../src/probe/subject.ts';
import { fakeDocker } from '../support/docker-api.ts';
import { dockerComposeConfig, hasDockerCompose } from '../support/docker-compose.ts';
import { noteSecrets } from '../support/evidence.ts';
import { engineFor, tools } from '../support/lab.ts';

/*
 * `gate: native`: the labels as Docker Compose reads them, executed by a real Traefik through a Docker API. What is judged is
 * what such a gateway promises: who passes, and that nobody else reaches the server.
 */
const TRAEFIK = '/var/cache/gatewright/traefik-3.6.12/traefik';
const PORT = 19_643;
const PASSWORD = 'native $2y$ "quoted" \\ and #long';

interface Native {
  readonly paths: StatePaths;
  readonly project: string;
  readonly output: string;
}

/** A project with this spec, its credentials and its output. */
async function generated(spec: string): Promise<Native> {
  const project = mkdtempSync(join(tmpdir(), 'gatewright-native-'));
  const file = join(project, 'gatewright.yaml');
  writeFileSync(file, spec);
  const paths = statePaths(project);
  const load = () => {
    const { project: loaded, problems } = loadText(file, spec);
    if (!loaded) throw new Error(JSON.stringify(problems));
    return loaded.gateway;
  };
  prepare(paths, load(), tools());
  for (const client of ['alice', 'bob']) changeState(paths, () => setPassword(paths, client, new Secret(PASSWORD), tools().random));
  changeState(paths, () => writeUpstreamKey(paths, 'qwen', new Secret('the-upstream-key-of-native'), true));
  noteSecrets([PASSWORD, readFileSync(paths.upstreamKey('qwen'), 'utf8').trim()]);
  const output = join(project, 'gateway');
  applyChanges(output, planChanges(output, renderGateway(load(), 'gateway')));
  changeState(paths, () => derivePrivateFiles(paths, load(), 'gateway'));
  return { paths, project, output };
}

/** Traefik with this static configuration, and the labels of one service as Docker would show them. */
async function run(native: Native, service: string, network: string, staticFile: string, change: (label: string) => string) {
  const { name, services } = dockerComposeConfig(native.output);
  // Compose prints a `$` that stays one as two.
  const labels = Object.fromEntries(
    Object.entries(services[service]?.labels ?? {}).map(([key, value]) => [key, change(value.replaceAll('$$', '$'))]),
  );
  const docker = await fakeDocker({ project: name, service, labels, ports: [8000], network });
  const folder = join(native.output, 'traefik');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'running.yml'), staticFile.replace('tcp://docker-socket:2375', `tcp://127.0.0.1:${docker.port}`));
  chmodSync(native.project, 0o755);
  giveTo(native.project);
  const { child } = await launch(TRAEFIK, ['--configFile=running.yml'], folder, PORT);
  onTestFinished(async () => {
    await end(child, 'SIGKILL');
    docker.server.close();
    rmSync(native.project, { recursive: true });
  });
  return labels;
}

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly lines?: readonly string[];
  readonly from?: string;
  readonly host?: string;
}

async function ask(
  ca: string,
  { method = 'GET', path = '/v1/models', lines = [], from = '127.0.0.1', host = 'llm.example.com' }: Call,
): Promise<number> {
  const outcome = await exchange(
    { port: PORT, localAddress: from, tls: { ca, servername: host } },
    Buffer.from([`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines, 'Connection: close', '', ''].join('\r\n')),
  );
  if (outcome.kind !== 'answer') throw new Error(outcome.error);
  return outcome.status;
}

const basic = (name: string, password: string): string => `Authorization: Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

async function untilServed(ca: string): Promise<void> {
  const until = performance.now() + 10_000;
  // Until its files are read, Traefik has another certificate.
  const served = () =>
    ask(ca, { lines: [basic('alice', PASSWORD)] }).then(
      (status) => status === 200,
      () => false,
    );
  while (!(await served()) && performance.now() < until) await new Promise((r) => setTimeout(r, 50));
}

const SPEC = (more: string, models: string): string =>
  `version: 1\nproxy: traefik\nhosts: [llm.example.com]\ndeploy: { compose: { gate: native${more} } }\nmodels: [${models}]\nclients: [alice, bob]\n` +
  'auth: { require: basic and ip, ip: { allow: [127.0.0.1/32, 127.0.0.2/31] } }\n';

// Passed over only where the program is not installed; under CI that throws.
describe.skipIf(!engineFor('traefik') || !hasDockerCompose())('gate: native', () => {
  const judge = async (double: Awaited<ReturnType<typeof startDouble>>, native: Native): Promise<void> => {
    const upstreamKey = readFileSync(native.paths.upstreamKey('qwen'), 'utf8').trim();
    const ca = readFileSync(native.paths.serverCa, 'utf8');
    const right = basic('alice', PASSWORD);
    await untilServed(ca);
    double.seen.length = 0;
    expect(await ask(ca, { lines: [right, 'X-Gatewright-Client: bob', 'X-Gatewright-Role: operator'] })).toBe(200);
    const seen = double.seen[0]?.headers ?? [];
    expect(seen.filter(([name]) => name === 'x-gatewright-client')).toEqual([['x-gatewright-client', 'alice']]);
    expect(seen.filter(([name]) => name === 'x-gatewright-role')).toEqual([['x-gatewright-role', 'default']]);
    expect(seen.filter(([name]) => name === 'authorization')).toEqual([['authorization', `Bearer ${upstreamKey}`]]);
    expect(await ask(ca, { lines: [right], from: '127.0.0.3' })).toBe(200);
    expect(double.seen).toHaveLength(2);
    double.seen.length = 0;
    // Each differs from a call that passes in one thing.
    const refused: [Call, number][] = [
      [{}, 401],
      [{ lines: [basic('alice', 'not-native')] }, 401],
      [{ lines: [basic('carol', PASSWORD)] }, 401],
      [{ lines: [`Authorization: Bearer ${upstreamKey}`] }, 401],
      [{ lines: [right], from: '127.0.0.4' }, 403],
      [{ lines: [right, 'X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1'], from: '127.0.0.4' }, 403],
      [{ lines: [right], path: '/metrics' }, 404],
      [{ lines: [right], path: '/v1/models/' }, 404],
      [{ lines: [right], path: '/v1/%6dodels/../../metrics' }, 404],
      [{ lines: [right], path: '/v1/models%2f..%2f..%2fmetrics' }, 404],
      [{ lines: [right], method: 'DELETE' }, 404],
      [{ lines: [right], path: '/v1/responses/abc' }, 404],
    ];
    const got: [Call, number][] = [];
    for (const [call] of refused) got.push([call, await ask(ca, call)]);
    expect(got).toEqual(refused);
    expect(double.seen).toEqual([]);
  };

  test('labels on a Traefik of ours: who passes, who does not, and what the server sees', async () => {
    const double = await startDouble();
    onTestFinished(() => double.stop());
    const native = await generated(SPEC('', `{ name: qwen, upstream: "http://localhost:${double.port}", key: required }`));
    const file = (name: string): string => readFileSync(join(native.output, 'traefik', name), 'utf8');
    writeFileSync(
      join(native.output, 'traefik/dynamic/gatewright.yml'),
      file('dynamic/gatewright.yml').replace('host.docker.internal', '127.0.0.1'),
    );
    const labels = await run(
      native,
      'gateway',
      'gatewright-llm-example-com_edge',
      file('traefik.yml').replace('address: :8443', `address: 127.0.0.1:${PORT}`).replaceAll(':8081', ':19644'),
      (label) => label,
    );
    const stored = [...readAllPasswords(native.paths)]
      .filter(([name]) => name !== '-')
      .map(([name, hash]) => `${name}:${hash}`)
      .join(',');
    expect(stored).toMatch(/^alice:\$2y\$/);
    expect(labels['traefik.http.middlewares.gatewright-basic.basicauth.users']).toBe(stored);
    await judge(double, native);
    // What is committed holds neither hash nor key.
    const committed = readFileSync(join(native.output, 'docker-compose.yml'), 'utf8');
    expect(committed).not.toContain('$2y$');
    expect(committed).not.toContain(readFileSync(native.paths.upstreamKey('qwen'), 'utf8').trim());
  });

  test('labels that a Traefik reads which runs already', async () => {
    const double = await startDouble();
    onTestFinished(() => double.stop());
    const native = await generated(SPEC(', attach: { network: proxy }', '{ name: qwen, run: "Qwen/Qwen3-8B" }'));
    const { services } = dockerComposeConfig(native.output);
    expect(Object.keys(services)).toEqual(['vllm-qwen']);
    expect(Object.keys(services['vllm-qwen']?.networks ?? {})).toContain('attached');
    // What people have: entry points, the Docker provider, and nothing of ours.
    writeFileSync(
      join(native.project, 'tls.yml'),
      'tls: { certificates: [{ certFile: ../../private/run/tls/cert.pem, keyFile: ../../private/run/tls/key.pem }] }\n',
    );
    const theirs = `entryPoints: { websecure: { address: "127.0.0.1:${PORT}"} }\nproviders: { docker: { endpoint: "tcp://docker-socket:2375", exposedByDefault: false }, file: { filename: ../../tls.yml } }\n`;
    await run(native, 'vllm-qwen', 'proxy', theirs, (label) => (label === '8000' ? String(double.port) : label));
    await judge(double, native);
  });

  test('without its secret labels Compose starts nothing', async () => {
    const native = await generated(SPEC(', attach: { network: proxy }', '{ name: qwen, run: "Qwen/Qwen3-8B" }'));
    expect(() => dockerComposeConfig(native.output)).not.toThrow();
    const labels = join(native.project, 'private/run/traefik/labels.yml');
    expect(readFileSync(labels, 'utf8')).toContain('$$2y$$');
    // The last password is gone: what was there before must not stay.
    rmSync(join(native.project, 'private/run/passwords/htpasswd'));
    const { project } = loadText(join(native.project, 'gatewright.yaml'), readFileSync(join(native.project, 'gatewright.yaml'), 'utf8'));
    if (!project) throw new Error('the spec was sound before');
    changeState(native.paths, () => derivePrivateFiles(native.paths, project.gateway, 'gateway'));
    expect(readFileSync(labels, 'utf8')).not.toContain('2y$');
    expect(() => dockerComposeConfig(native.output)).toThrow(/labels/);
    rmSync(labels);
    expect(() => dockerComposeConfig(native.output)).toThrow(/labels\.yml/);
    rmSync(native.project, { recursive: true });
  });
});
