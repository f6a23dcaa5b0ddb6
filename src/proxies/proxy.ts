import type { Gateway, ProxyName } from '../gateway/types.ts';
import type { Artifact } from '../output/artifact.ts';
import type { Problem } from '../problems/problem.ts';

/** Where the output lies as seen from the project, with `/` and without a slash at the end: `gateway`. */
export interface Layout {
  readonly output: string;
}

/** A problem, and the part of the spec that it is about: keys and indices, as in the long form. */
export interface Finding extends Omit<Problem, 'at'> {
  readonly about: readonly (string | number)[];
}

/** How the engine runs in a container, in which the project lies at `root` (gateway/container.ts). */
interface EngineContainer {
  /** A published image, or the folder of the output that one is built from. */
  readonly image: string | { readonly build: string };
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly directory: string;
  /** Folders of the output, and of private/run, that it reads; those of certificates, passwords and upstream keys go without saying. */
  readonly reads: readonly string[];
  readonly readsPrivate: readonly string[];
  /** The folder of the output that it writes to, with its options as a tmpfs. */
  readonly writes: { readonly folder: string; readonly options: string };
  /** What lets it end its streams before it goes. */
  readonly stopSignal: string;
  /** The health check, as compose has it. */
  readonly health: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** A file of private/run whose service `labels` has more of them, secret ones. What stands there needs no mount. */
  readonly privateLabels: string | null;
  /** Another container that it needs, on a network of the two. */
  readonly companion: { readonly name: string; readonly service: Readonly<Record<string, unknown>> } | null;
}

/** What is secret and yet needed by an engine's own files in private/run. */
export interface PrivateFacts {
  readonly passwords: readonly (readonly [name: string, bcrypt: string])[];
  /** Of this installation, in hex; null where there are no passwords. */
  readonly secret: string | null;
  /** Shared secrets that sign tokens, as the gateway's keys count them. */
  readonly jwtSecrets: readonly Uint8Array[];
  /** Of the models whose server asks for one, by id; what is not there yet is not in it. */
  readonly upstreamKeys: Readonly<Record<string, string>>;
}

/** Commands for people, from the folder of the spec. */
interface Operation {
  readonly start: string;
  readonly reload: string;
  /** The reload inside the container; null where it takes a new one. */
  readonly reloadInContainer: string | null;
  /** Whether it reads keys, clients and passwords again by itself. */
  readonly rereads: boolean;
  /** What else is worth knowing when it is run without a container. */
  readonly note: string;
}

/** A target engine. Adding one is a folder with this and a line in index.ts. */
export interface Proxy {
  readonly name: ProxyName;
  /** What this engine cannot enforce as asked. Errors, never weaker configs. */
  audit(gateway: Gateway): Finding[];
  /** The complete config of the engine, below a folder of its name. Pure: the same gateway gives the same bytes. */
  render(gateway: Gateway, layout: Layout): Artifact[];
  /** Files below private/run that are derived from secrets, and links there from a name to a path as seen from the link. */
  privateFiles?(gateway: Gateway, layout: Layout, facts: PrivateFacts): { files: Artifact[]; links: Readonly<Record<string, string>> };
  container(layout: Layout, gateway: Gateway): EngineContainer;
  operation(layout: Layout, gateway: Gateway): Operation;
}
