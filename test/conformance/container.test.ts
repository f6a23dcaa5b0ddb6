import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { createKey } from '../../src/credentials/api-key.ts';
import { changeState } from '../../src/credentials/state.ts';
import { applyChanges, planChanges } from '../../src/output/plan.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import { renderGateway, requireProject } from '../../src/pipeline.ts';
import { prepare } from '../../src/prepare.ts';
import { statePaths } from '../../src/credentials/paths.ts';
import { startDouble } from '../../src/probe/double.ts';
import { end, runAs } from '../../src/probe/engines/process.ts';
import { exchange } from '../../src/probe/exchange.ts';
import type { ProxyName } from '../../src/gateway/types.ts';
import { fakeDocker } from '../support/docker-api.ts';
import { derivePrivateFiles } from '../../src/private-files.ts';
import { ENGINE_NAMES, engineFor, tools } from '../support/lab.ts';

/*
 * The compose deployment without Docker: a folder that holds what the compose file mounts and nothing else, read-only but for
 * its tmpfs, and the service's own command in it, as an unprivileged user. What the container's user cannot read, or nginx
 * would have to write, fails here.
 */
interface Service {
  entrypoint: string[];
  command: string[];
  working_dir: string;
  volumes: { type: string; source: string; target: string }[];
  tmpfs: string[];
  labels?: Record<string, string>;
}

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await end(child);
});

function readOnly(path: string): void {
  for (const name of lstatSync(path).isDirectory() ? readdirSync(path) : []) readOnly(join(path, name));
  chmodSync(path, lstatSync(path).isDirectory() ? 0o555 : 0o444);
}

function give(path: string): void {
  const as = runAs();
  if (!as) return;
  for (const name of lstatSync(path).isDirectory() ? readdirSync(path) : []) give(join(path, name));
  lchownSync(path, as.uid, as.gid);
}

/** The program that the image starts, on this machine. */
const PROGRAMS: Partial<Record<ProxyName, string>> = {
  nginx: '/usr/sbin/nginx',
  httpd: '/usr/sbin/apache2',
  traefik: '/var/cache/gatewright/traefik-3.6.12/traefik',
};
/** Where the engine's config says its ports, and where its upstream. */
const PLACES: Partial<Record<ProxyName, { ports: string; upstream: string }>> = {
  nginx: { ports: 'nginx.conf', upstream: 'http.conf' },
  httpd: { ports: 'httpd.conf', upstream: 'vhost.conf' },
  traefik: { ports: 'traefik.yml', upstream: 'policy.json' },
};

describe.for(ENGINE_NAMES.filter(engineFor))('the compose deployment of %s', (engine) => {
  const places = PLACES[engine];
  test('runs from its mounts alone, read-only and unprivileged', async () => {
    if (!places) throw new Error(`nobody has said where ${engine} keeps its ports`);
    const double = await startDouble();
    const dir = mkdtempSync(join(tmpdir(), 'gatewright-compose-'));
    const spec = `version: 1\nproxy: ${engine}\nhosts: [llm.example.com]\nmodels: [{ name: qwen, upstream: "http://localhost:${double.port}", key: required }]\nclients: [alice]\nauth: apiKey or basic or mtls\n`;
    writeFileSync(join(dir, 'gatewright.yaml'), spec);
    const paths = statePaths(dir);
    changeState(paths, () => createAuthority(paths, 'clients', tools()));
    prepare(paths, requireProject(join(dir, 'gatewright.yaml')).gateway, tools());
    writeFileSync(paths.upstreamKey('qwen'), 'the-upstream-key\n');
    const key = changeState(paths, () => createKey(paths, { client: 'alice', created: new Date(), expires: null }, tools().random));
    const { gateway } = requireProject(join(dir, 'gatewright.yaml'));
    applyChanges(join(dir, 'gateway'), planChanges(join(dir, 'gateway'), renderGateway(gateway, 'gateway')));
    changeState(paths, () => derivePrivateFiles(paths, gateway, 'gateway'));

    const { name, services } = parse(readFileSync(join(dir, 'gateway/docker-compose.yml'), 'utf8')) as {
      name: string;
      services: Record<string, Service>;
    };
    const service = services.gateway;
    if (!service) throw new Error('no gateway in the compose file');
    const root = mkdtempSync(join(tmpdir(), 'gatewright-container-'));
    for (const { source, target } of service.volumes) {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      cpSync(join(dir, 'gateway', source), join(root, target), { recursive: true, verbatimSymlinks: true });
    }
    // The container has its own ports and its own name for the host; here they are this machine's.
    const ports = { 8443: 19_443, 8080: 19_080, 8081: 19_081, 8082: 19_082 };
    const edit = (path: string, change: (text: string) => string): void => {
      const file = join(root, '/etc/gatewright/gateway', engine, path);
      writeFileSync(file, change(readFileSync(file, 'utf8')));
    };
    const moved = (text: string): string =>
      Object.entries(ports)
        .reduce((t, [from, to]) => t.replaceAll(`:${from}`, `:${to}`), text)
        .replaceAll('0.0.0.0:', '127.0.0.1:')
        .replaceAll('address: :', 'address: 127.0.0.1:');
    edit(places.ports, moved);
    edit(places.upstream, (text) => moved(text).replace('host.docker.internal:', '127.0.0.1:'));
    // Where the routing stands in labels, they are read from a Docker API, as compose hands them over: with one $ for two.
    if (service.labels) {
      const labels = Object.fromEntries(Object.entries(service.labels).map(([name, value]) => [name, value.replaceAll('$$', '$')]));
      const docker = await fakeDocker({ project: name, service: 'gateway', labels, ports: [8443] });
      onTestFinished(() => void docker.server.close());
      edit(places.ports, (text) => text.replace('tcp://docker-socket:2375', `tcp://127.0.0.1:${docker.port}`));
    }
    readOnly(root);
    const writable = service.tmpfs.map((entry) => entry.split(':')[0] ?? '').filter((path) => path !== '/tmp');
    expect(writable).toEqual([`/etc/gatewright/gateway/${engine}/run`]);
    for (const path of writable) chmodSync(join(root, path), 0o777);
    give(root);

    // As in a container: the log is what the process writes to its standard output.
    const log = join(root, '..', `${root.split('/').at(-1)}.log`);
    const fd = openSync(log, 'a');
    give(log);
    const command = [...service.entrypoint, ...service.command].map((word) => word.replace('/etc/gatewright', `${root}/etc/gatewright`));
    expect(command[0]).toBe(engine);
    const child = spawn(PROGRAMS[engine] ?? '', command.slice(1), {
      cwd: join(root, service.working_dir),
      stdio: ['ignore', fd, fd],
      env: {},
      ...(runAs() ?? {}),
    });
    running.push(child);
    closeSync(fd);

    const ca = readFileSync(paths.serverCa, 'utf8');
    const ask = (lines: string[]) =>
      exchange(
        { port: ports[8443], tls: { ca, servername: 'llm.example.com' } },
        Buffer.from([`GET /v1/models HTTP/1.1`, 'Host: llm.example.com', ...lines, 'Connection: close', '', ''].join('\r\n')),
      );
    let admitted = await ask([`Authorization: Bearer ${key.secret.reveal()}`]);
    for (let i = 0; i < 100 && !(admitted.kind === 'answer' && admitted.status === 200); i++) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      admitted = await ask([`Authorization: Bearer ${key.secret.reveal()}`]);
    }
    expect({
      admitted: admitted.kind === 'answer' ? admitted.status : admitted.error,
      log: readFileSync(log, 'utf8').replace(/^(?:\{|\[.*:notice\]).*\n/gm, ''),
    }).toEqual({ admitted: 200, log: '' });
    expect(double.seen[0]?.headers).toContainEqual(['authorization', 'Bearer the-upstream-key']);
    expect(await ask([])).toMatchObject({ status: 401 });
    expect(await ask([`Authorization: Basic ${Buffer.from('alice:not-right').toString('base64')}`])).toMatchObject({ status: 401 });
    const plain = (port: number, path: string) =>
      exchange({ port }, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: llm.example.com\r\nConnection: close\r\n\r\n`));
    expect(await plain(ports[8081], engine === 'traefik' ? '/ping' : '/healthz')).toMatchObject({
      status: engine === 'traefik' ? 200 : 204,
    });
    expect(await plain(ports[8081], '/v1/models')).toMatchObject({ status: 404 });
    expect(await plain(ports[8080], '/v1/models')).toMatchObject({ status: 308 });
    expect(double.seen).toHaveLength(1);
    const [first] = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes('alice'));
    const logged = Object.values(JSON.parse(first ?? '{}') as Record<string, unknown>);
    expect(logged).toContain('alice');
    expect(logged).toContain(200);
    await double.stop();
    rmSync(log);
  });
});
