import type { Rate } from '../gateway/quantity.ts';
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

/** A target engine. Adding one is a folder with this and a line in index.ts. */
export interface Proxy {
  readonly name: ProxyName;
  /** What this engine cannot enforce as asked. Errors, never weaker configs. */
  audit(gateway: Gateway): Finding[];
  /** The complete config of the engine, below a folder of its name. Pure: the same gateway gives the same bytes. */
  render(gateway: Gateway, layout: Layout): Artifact[];
  /** Seconds until a caller over this rate may come again, as this engine counts. */
  retryAfter(rate: Rate): number;
}
