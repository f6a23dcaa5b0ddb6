import { defineConfig } from 'vitest/config';

/** Runs when the suite is over: looks for secrets in all that it left behind, and measures on a quiet machine. */
export default defineConfig({ test: { include: ['test/after/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false } });
