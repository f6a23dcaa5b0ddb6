import { createServer, type Server } from 'node:http';

/** A container as Docker Compose would start it. */
export interface FakeContainer {
  readonly project: string;
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  /** The network that it is on; that of the compose file's `edge` by default. */
  readonly network?: string;
}

/**
 * As much of the Docker API as Traefik's provider asks for: version, list, inspect, and events that never come. So labels are
 * executed and not just printed. Returns the server's port.
 */
export async function fakeDocker(container: FakeContainer): Promise<{ port: number; server: Server }> {
  const id = 'f'.repeat(64);
  const labels = {
    ...container.labels,
    'com.docker.compose.project': container.project,
    'com.docker.compose.service': container.service,
  };
  const network = container.network ?? `${container.project}_edge`;
  const name = `/${container.project}-${container.service}-1`;
  const answers: Record<string, unknown> = {
    '/version': { Version: '27.0.0', ApiVersion: '1.44', MinAPIVersion: '1.24', Os: 'linux', Arch: 'amd64' },
    '/containers/json': [{ Id: id, Names: [name], State: 'running', Labels: labels }],
    [`/containers/${id}/json`]: {
      Id: id,
      Name: name,
      State: { Status: 'running' },
      Config: { Labels: labels },
      HostConfig: { NetworkMode: network },
      NetworkSettings: {
        Ports: Object.fromEntries(container.ports.map((port) => [`${port}/tcp`, null])),
        Networks: { [network]: { NetworkID: 'n1', IPAddress: '127.0.0.1' } },
      },
    },
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/v1\.\d+/, '') ?? '';
    response.setHeader('Api-Version', '1.44');
    response.setHeader('Ostype', 'linux');
    if (path === '/_ping') return response.end(request.method === 'HEAD' ? undefined : 'OK');
    response.setHeader('Content-Type', 'application/json');
    if (path === '/events') return response.flushHeaders();
    const answer = answers[path];
    response.statusCode = answer === undefined ? 404 : 200;
    return response.end(JSON.stringify(answer ?? { message: 'no such thing' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake Docker has no port');
  return { port: address.port, server };
}
