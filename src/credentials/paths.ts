import { join } from 'node:path';

/** Where state lies below the folder of gatewright.yaml; the README says what of it may be committed. */
export function statePaths(project: string) {
  const credentials = join(project, 'credentials');
  const privateDir = join(project, 'private');
  const run = join(privateDir, 'run');
  return {
    project,
    credentials,
    keys: join(credentials, 'keys.json'),
    revoked: join(credentials, 'revoked.jsonl'),
    certificates: join(credentials, 'certificates.json'),
    certificateFiles: join(credentials, 'certificates'),
    caFiles: join(credentials, 'ca'),
    clientCa: join(credentials, 'ca', 'clients.pem'),
    clientCrl: join(credentials, 'ca', 'clients.crl'),
    serverCa: join(credentials, 'ca', 'server.pem'),
    privateDir,
    caKeys: join(privateDir, 'ca'),
    issued: join(privateDir, 'issued'),
    run,
    passwords: join(run, 'passwords'),
    htpasswd: join(run, 'passwords', 'htpasswd'),
    rememberSecret: join(run, 'passwords', 'remember.secret'),
    jwtSecrets: join(run, 'jwt'),
    tlsCert: join(run, 'tls', 'cert.pem'),
    tlsKey: join(run, 'tls', 'key.pem'),
    upstreamKey: (id: string) => join(run, 'upstream', `${id}.key`),
    vllmConfig: (id: string) => join(run, 'vllm', `${id}.yaml`),
    huggingfaceToken: join(run, 'huggingface.token'),
  } as const;
}

export type StatePaths = ReturnType<typeof statePaths>;
