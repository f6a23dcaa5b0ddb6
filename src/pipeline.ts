import { dirname, relative, resolve } from 'node:path';
import { liveKeys } from './credentials/api-key.ts';
import { type StatePaths, statePaths } from './credentials/paths.ts';
import { readText } from './credentials/store.ts';
import { renderCompose } from './deploy/compose.ts';
import { renderGuide } from './deploy/guide.ts';
import type { Gateway, Verifiers } from './gateway/types.ts';
import type { Artifact } from './output/artifact.ts';
import { hasAuthority, liveCertificates } from './pki/inventory.ts';
import { keysUrl } from './gateway/token.ts';
import { hasErrors, type Problem, ProblemError, stop } from './problems/problem.ts';
import { readJwtKeys } from './jwt-keys.ts';
import { PROXIES } from './proxies/index.ts';
import type { Finding } from './proxies/proxy.ts';
import type { SpecDocument } from './spec/document.ts';
import { readSpec } from './spec/read.ts';
import { resolveSpec } from './spec/resolve/index.ts';
import type { Spec } from './spec/schema.ts';

/*
 * The whole program: text → Spec → Gateway → Artifact[]. Every stage returns its problems and goes on;
 * a stage that has errors gives nothing to the next one.
 */

export interface Project {
  /** The spec file, as the user named it. */
  readonly file: string;
  readonly paths: StatePaths;
  readonly text: string;
  readonly document: SpecDocument;
  readonly spec: Spec;
  readonly gateway: Gateway;
  /** Warnings and notices; errors never get this far. */
  readonly problems: readonly Problem[];
}

export interface Loaded {
  readonly project: Project | null;
  readonly problems: readonly Problem[];
}

/** Reads a spec file and the public part of its credentials. */
export function loadProject(file: string): Loaded {
  const text = readText(file);
  if (text === null) throw stop('cannot-read', `there is no ${file}`, 'gatewright init makes one; -f names another');
  return loadText(file, text);
}

/** The same for a text that is not, or not yet, in the file. */
export function loadText(file: string, text: string): Loaded {
  const read = readSpec(file, text);
  if (!read.spec || !read.document) return { project: null, problems: read.problems };
  const paths = statePaths(dirname(resolve(file)));
  const { verifiers, problems: unreadable } = readVerifiers(paths, read.spec);
  const resolved = resolveSpec(read.spec, verifiers, read.document);
  const { gateway } = resolved;
  const { document } = read;
  const problems = [...resolved.problems, ...unreadable.map(({ about, ...problem }) => ({ ...problem, at: document.at(about) }))];
  const audited = gateway ? [...problems, ...auditGateway(gateway, read.document)] : problems;
  if (!gateway || hasErrors(audited)) return { project: null, problems: audited };
  return { project: { file, paths, text, document: read.document, spec: read.spec, gateway, problems: audited }, problems: audited };
}

/** What the chosen engines cannot enforce, with the line of the spec that asks for it. */
export function auditGateway(gateway: Gateway, document: SpecDocument | null): Problem[] {
  const engines = PROXIES.filter((proxy) => gateway.proxies.includes(proxy.name));
  return engines
    .flatMap((proxy) => proxy.audit(gateway))
    .map(({ about, ...problem }) => ({
      ...problem,
      ...(document ? { at: document.at(about) } : {}),
    }));
}

/** The project of a spec file, or all of its problems as an error. */
export function requireProject(file: string): Project {
  const { project, problems } = loadProject(file);
  if (!project) throw new ProblemError(problems);
  return project;
}

/** What is needed to recognise a credential, and what is wrong with the files that say it. */
export function readVerifiers(paths: StatePaths, spec: Spec): { verifiers: Verifiers; problems: Finding[] } {
  const { jwt } = spec.auth;
  // What is fetched at run time is no file.
  const read = jwt && keysUrl({ source: jwt.keys }) === null ? readJwtKeys(paths.project, jwt.keys) : null;
  return {
    verifiers: {
      keys: liveKeys(paths).map((key) => ({
        sha256: key.sha256,
        client: key.client,
        expires: key.expires === null ? null : Math.floor(Date.parse(key.expires) / 1000),
      })),
      certificates: liveCertificates(paths).map(({ sha256, sha1, serial, client }) => ({ sha256, sha1, serial, client })),
      jwtKeys: read?.keys ?? [],
      clientCa: hasAuthority(paths, 'clients') ? 'ca/clients.pem' : null,
    },
    problems: (read?.problems ?? []).map((problem) => ({
      code: 'jwt-keys',
      severity: 'error',
      about: ['auth', 'jwt', 'keys'],
      ...problem,
    })),
  };
}

/** Everything that `generate` writes for a gateway. `output` is the output folder seen from the project. */
export function renderGateway(gateway: Gateway, output: string): Artifact[] {
  const engines = PROXIES.filter((proxy) => gateway.proxies.includes(proxy.name)).flatMap((proxy) => proxy.render(gateway, { output }));
  return [...engines, ...renderCompose(gateway, output), ...renderGuide(gateway, output)];
}

/** The output folder seen from the project, with `/`; it must lie below the project, because all paths inside are relative. */
export function outputBelow(project: string, output: string): string {
  const below = relative(project, resolve(project, output)).split('\\').join('/');
  if (below === '' || below.startsWith('..'))
    throw stop(
      'cannot-write',
      `the output folder ${output} is not below ${project}`,
      'all paths inside the output are relative to the folder of the spec',
    );
  return below;
}
