/** A file to be written below the output folder. */
export interface Artifact {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: string;
}
