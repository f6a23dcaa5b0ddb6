import { defineConfig } from 'vitest/config';

/** Runs when the suite is over: looks for secrets in all that the suite left behind. */
export default defineConfig({ test: { include: ['test/after/**/*.test.ts'] } });
