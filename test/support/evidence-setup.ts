import { mkdirSync, rmSync } from 'node:fs';
import { EVIDENCE } from './evidence.ts';

/** Every run of the suite starts with an empty heap of evidence. */
export function setup(): void {
  rmSync(EVIDENCE, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(EVIDENCE, { recursive: true });
}
