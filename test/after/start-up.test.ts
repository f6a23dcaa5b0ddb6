import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BIN } from '../cli/run.ts';

/** Bare node: an ES module with nothing in it, as the six packages were measured against. */
const EMPTY = join(mkdtempSync(join(tmpdir(), 'gatewright-empty-')), 'empty.mjs');
writeFileSync(EMPTY, '');

/** Milliseconds of one run. */
function timed(args: readonly string[]): number {
  const start = performance.now();
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  // Reading a list of CAs at start would be part of both, and make the ratio look better than it is.
  const { status } = spawnSync(process.execPath, [...args], { env });
  const ms = performance.now() - start;
  expect(status).toBe(0);
  return ms;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/* Runs when the rest of the suite is over: what else the machine does would be measured too. */
describe('start-up', () => {
  test('--version costs at most 1.4 times bare node', () => {
    const bare: number[] = [];
    const ours: number[] = [];
    // Interleaved, so that whatever else the machine does hits both alike; the first round warms the caches.
    for (let i = 0; i < 102; i++) {
      const [a, b] = [timed([EMPTY]), timed([BIN, '--version'])];
      if (i > 1) [bare.push(a), ours.push(b)];
    }
    const ratio = median(ours) / median(bare);
    console.log(`--version: ${ratio.toFixed(2)} × bare node (${median(ours).toFixed(1)} ms over ${median(bare).toFixed(1)} ms)`);
    expect(ratio).toBeLessThanOrEqual(1.4);
  });
});
