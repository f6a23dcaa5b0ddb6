import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { BIN } from '../cli/run.ts';

/** Bare node. */
const BARE = ['-e', '0'];

/** Milliseconds of one run. */
function timed(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, [...args], { env });
  const ms = performance.now() - start;
  expect(status).toBe(0);
  return ms;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** How many times bare node a start costs, in an environment. Interleaved, so that whatever else happens hits both alike. */
function startUpRatio(env: NodeJS.ProcessEnv, rounds: number): number {
  const bare: number[] = [];
  const ours: number[] = [];
  for (let i = 0; i < rounds; i++) {
    bare.push(timed(BARE, env));
    ours.push(timed([BIN, '--version'], env));
  }
  return median(ours) / median(bare);
}

/* Runs when the rest of the suite is over: what else the machine does would be measured too. */
describe('start-up', () => {
  test('--version costs at most 1.4 times bare node', () => {
    // A list of CAs that node reads at every start is part of both sides and would make the ratio look better.
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const ratio = startUpRatio(env, 60);
    console.log(`--version: ${ratio.toFixed(2)} × bare node`);
    expect(ratio).toBeLessThanOrEqual(1.4);
  });
});
