import type { Lab } from '../lab.ts';
import type { Sketch } from '../request.ts';
import type { Subject } from '../subject.ts';

/** A promise of the product, as requests that show it. */
export interface Behaviour {
  readonly id: string;
  /** What is promised, in a sentence. */
  readonly promise: string;
  /** Why it matters or where it is written. */
  readonly source: string;
  /** Requests to judge against `decide()`. */
  cases?(subject: Subject): Case[];
  /** What one request alone cannot show. */
  experiments?(subject: Subject): Experiment[];
}

export interface Case {
  readonly title: string;
  readonly sketch: Sketch;
  /**
   * For a denial: the twin that is allowed because the one denied thing is right in it, or 'double' where no spec could
   * allow it and the same bytes are shown to work by sending them straight to the double.
   */
  readonly opened: Sketch | 'double';
}

export interface Experiment {
  readonly title: string;
  /** What should be seen, for the table. */
  readonly expected: string;
  /** What was seen instead, or null when all was as expected. */
  run(lab: Lab): Promise<string | null>;
}
