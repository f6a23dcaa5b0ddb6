import { looksAtModel } from '../gateway/types.ts';
import type { Path } from './document.ts';
import type { Spec } from './schema.ts';

export interface NotYet {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
}

/** What the language of the spec has and this version cannot enforce. Each is refused: a config without it would be weaker. */
export function notYet(spec: Spec): NotYet[] {
  const found: NotYet[] = [];
  const add = (path: Path, message: string, hint?: string): void => void found.push({ path, message, ...(hint ? { hint } : {}) });
  if (spec.deploy && 'kubernetes' in spec.deploy && spec.deploy.kubernetes)
    add(['deploy'], 'kubernetes is not built yet', 'use deploy: compose or deploy: host');
  if (spec.listen?.prefix !== undefined && spec.listen.prefix !== '/') add(['listen', 'prefix'], 'a path prefix is not built yet');
  if (spec.tls && 'acme' in spec.tls)
    add(['tls', 'acme'], 'certificates by ACME are not built yet', 'use tls: self-signed, or tls: { cert: …, key: … }');
  if (spec.auth.mtls && Object.keys(spec.auth.mtls).length > 0)
    add(['auth', 'mtls'], 'a foreign CA for clients is not built yet', 'write mtls: {} and use gatewright ca init');
  for (const [i, model] of spec.models.entries()) {
    if (model.upstream?.startsWith('https:')) add(['models', i], 'TLS to the upstream is not built yet');
    if (model.ca !== undefined) add(['models', i, 'ca'], 'TLS to the upstream is not built yet');
  }
  const roles = Object.entries(spec.roles ?? {});
  if (spec.models.length > 1) add(['models'], 'routing by model is not built yet', 'use one spec for each model');
  for (const [name, role] of roles) {
    if (
      spec.models.length === 1 &&
      looksAtModel({ models: [], roles: [{ name, routes: [], models: role.models ?? 'all', requests: null, concurrent: null }] })
    )
      add(['roles', name, 'models'], 'limiting a role to models is not built yet');
  }
  if (spec.timeouts) add(['timeouts'], 'timeouts are not built yet', 'the gateway waits 10 minutes between two reads from the upstream');
  if (spec.monitoring && spec.monitoring.length > 0) add(['monitoring'], 'monitoring is not built yet');
  return found;
}
