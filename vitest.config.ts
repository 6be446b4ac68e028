import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most tests wait for something more than they compute: more of them at once than a small machine has cores.
    maxWorkers: 4,
  },
});
