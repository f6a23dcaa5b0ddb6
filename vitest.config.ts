import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/after/**', 'test/mutants/**'],
    pool: 'forks',
    // Engines share the machine's cores with the tests that time them.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/evidence-setup.ts'],
  },
});
