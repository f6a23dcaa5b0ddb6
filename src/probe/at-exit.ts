const steps = new Set<() => void>();
let listening = false;

/**
 * Does a step when the process ends in whatever way it can still notice, `process.exit` on Ctrl-C included: an engine must
 * not go on without us, nor credentials stay in the folder for temporary files. Returns what takes the step back.
 */
export function atExit(step: () => void): () => void {
  if (!listening) {
    process.on('exit', () => {
      for (const each of [...steps].reverse()) each();
    });
  }
  listening = true;
  steps.add(step);
  return () => steps.delete(step);
}
