import { join } from 'node:path';
import { newKey } from './credentials/api-key.ts';
import { ensurePasswordFile } from './credentials/htpasswd.ts';
import type { StatePaths } from './credentials/paths.ts';
import type { Secret } from './credentials/secret.ts';
import { changeState } from './credentials/state.ts';
import { createOnce, fileExists, makePrivateDirectory, writeAtomic } from './credentials/store.ts';
import type { Gateway } from './gateway/types.ts';
import { issueServerCertificate, serverCertificateNames, type Tools } from './pki/authority.ts';
import type { Problem } from './problems/problem.ts';
import { yamlText } from './output/yaml-text.ts';

export interface Prepared {
  /** What was made, for people. */
  readonly made: readonly string[];
  /** What only a person can supply. */
  readonly problems: readonly Problem[];
}

/** Makes what a gateway needs in private/run and does not have yet. Replaces nothing; a second call makes nothing. */
export function prepare(paths: StatePaths, gateway: Gateway, tools: Tools): Prepared {
  return changeState(paths, () => {
    const made: string[] = [];
    const problems: Problem[] = [];
    if (gateway.tls.kind === 'self-signed') prepareCertificate(paths, gateway, tools, made);
    if (gateway.access.methods.includes('basic')) preparePasswords(paths, tools, made);
    for (const model of gateway.models) {
      if (!model.keyRequired) continue;
      makePrivateDirectory(join(paths.run, 'upstream'));
      if (fileExists(paths.upstreamKey(model.id))) continue;
      if (!model.run) {
        problems.push({
          code: 'missing-secret',
          severity: 'warning',
          message: `the upstream "${model.id}" asks for a key, and ${paths.upstreamKey(model.id)} is not there; until then every request is refused`,
          hint: `gatewright upstream key ${model.id}`,
        });
        continue;
      }
      writeUpstreamKey(paths, model.id, newKey(tools.random), true);
      made.push(paths.upstreamKey(model.id), paths.vllmConfig(model.id));
    }
    if (gateway.models.some((model) => model.run?.token) && !fileExists(paths.huggingfaceToken)) {
      problems.push({
        code: 'missing-secret',
        severity: 'warning',
        message: `downloading the model needs a Hugging Face token, and ${paths.huggingfaceToken} is not there`,
        hint: 'put the token into it, with mode 0600',
      });
    }
    return { made, problems };
  });
}

function prepareCertificate(paths: StatePaths, gateway: Gateway, tools: Tools, made: string[]): void {
  const names = serverCertificateNames(paths);
  const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  // A certificate that misses a host is as good as none: callers would refuse it.
  if (names && gateway.hosts.every((host) => host.startsWith('[') || names.map(bare).includes(bare(host)))) return;
  issueServerCertificate(paths, gateway.hosts, tools);
  made.push(paths.tlsCert, paths.tlsKey);
}

function preparePasswords(paths: StatePaths, tools: Tools, made: string[]): void {
  makePrivateDirectory(paths.passwords);
  if (ensurePasswordFile(paths, tools.random)) made.push(paths.htpasswd);
  if (!fileExists(paths.rememberSecret)) {
    createOnce(paths.rememberSecret, `${Buffer.from(tools.random(32)).toString('hex')}\n`, 0o600);
    made.push(paths.rememberSecret);
  }
}

/** Sets the key that an upstream asks for; for a vLLM that we run, also the file from which it reads the key. The caller holds the lock. */
export function writeUpstreamKey(paths: StatePaths, id: string, key: Secret, run: boolean): void {
  makePrivateDirectory(join(paths.run, 'upstream'));
  writeAtomic(paths.upstreamKey(id), `${key.reveal()}\n`, 0o600);
  if (!run) return;
  makePrivateDirectory(join(paths.run, 'vllm'));
  writeAtomic(paths.vllmConfig(id), yamlText({ 'api-key': [key.reveal()] }), 0o600);
}
