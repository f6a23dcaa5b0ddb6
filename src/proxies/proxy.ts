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
  readonly image: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Folders of the output that it only reads, as seen from the output. */
  readonly reads: readonly string[];
  /** The folder of the output that it writes to, with its options as a tmpfs. */
  readonly writes: { readonly folder: string; readonly options: string };
  /** What lets it end its streams before it goes. */
  readonly stopSignal: string;
}

/** Commands for people, from the folder of the spec. */
interface Operation {
  readonly start: string;
  readonly reload: string;
  /** The reload inside the container. */
  readonly reloadInContainer: string;
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
  container(layout: Layout): EngineContainer;
  operation(layout: Layout): Operation;
}
