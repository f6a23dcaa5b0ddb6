import { defineConfig } from 'vitest/config';

// Kept apart from what the suite leaves behind: mutants may well write a secret into a log.
process.env.GATEWRIGHT_EVIDENCE = 'node_modules/.cache/gatewright-mutants';

/** npm run mutants: breaks generated gateways one line at a time. Takes an hour for 200 of each engine, so it is no part of the tests. */
export default defineConfig({
  test: {
    include: ['test/mutants/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // It runs for an hour: what it finds shows when it is found.
    disableConsoleIntercept: true,
    testTimeout: 24 * 3_600_000,
    globalSetup: ['test/support/evidence-setup.ts'],
  },
});
