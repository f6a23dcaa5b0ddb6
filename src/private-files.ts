import { join } from 'node:path';
import { readAllPasswords } from './credentials/htpasswd.ts';
import type { StatePaths } from './credentials/paths.ts';
import { linkOnce, makePrivateDirectory, readText, writeAtomic } from './credentials/store.ts';
import type { Gateway } from './gateway/types.ts';
import { readJwtKeys } from './jwt-keys.ts';
import { PROXIES } from './proxies/index.ts';

/**
 * Brings the files in private/run that an engine needs in a form of its own up to date with the secrets that they are made
 * of. The caller holds the lock.
 */
export function derivePrivateFiles(paths: StatePaths, gateway: Gateway, output: string): void {
  const { jwt } = gateway.access;
  const jwtSecrets = jwt?.keys.some((key) => key.secret !== null) ? readJwtKeys(paths.project, jwt.source).secrets : [];
  writeSharedSecrets(paths, jwtSecrets);
  const secret = readText(paths.rememberSecret)?.trim() ?? null;
  const upstreamKeys = Object.fromEntries(
    gateway.models
      .filter((model) => model.keyRequired)
      .flatMap(({ id }) => {
        const key = readText(paths.upstreamKey(id))?.trim();
        return key ? [[id, key]] : [];
      }),
  );
  const facts = { passwords: [...readAllPasswords(paths)], secret, jwtSecrets, upstreamKeys };
  for (const proxy of PROXIES.filter(({ name }) => gateway.proxies.includes(name))) {
    const { files = [], links = {} } = proxy.privateFiles?.(gateway, { output }, facts) ?? {};
    for (const { path, content } of files) {
      makePrivateDirectory(join(paths.run, path, '..'));
      if (readText(join(paths.run, path)) !== content) writeAtomic(join(paths.run, path), content, 0o600);
    }
    for (const [path, target] of Object.entries(links)) linkOnce(join(paths.run, path), target);
  }
}

/** The shared secrets of a JWKS, one file a key, so that the policy needs to hold none. */
function writeSharedSecrets(paths: StatePaths, secrets: readonly Buffer[]): void {
  if (secrets.length > 0) makePrivateDirectory(paths.jwtSecrets);
  for (const [i, secret] of secrets.entries()) writeAtomic(join(paths.jwtSecrets, `${i}.key`), `${secret.toString('base64')}\n`, 0o600);
}
