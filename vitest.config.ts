import { defineConfig } from 'vitest/config';

/**
 * Tests that replace modules, measure the heap, or sign in with `@azure/identity`, which keeps its first identity endpoint. Each file has a
 * process of its own.
 */
const alone = [
  'test/functions/*.test.ts',
  'test/infra/bench/heap-watch.test.ts',
  'test/infra/cli/commands/doctor.test.ts',
  'test/infra/cli/doctor/event.test.ts',
  'test/infra/local/app-rights.test.ts',
  'test/shared/id-set.test.ts',
];

const common = {
  // Long enough for a busy machine. A test that hangs is still found.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 30_000 } },
  // Tests talk to servers on this machine only. A proxy of the environment does not know them.
  env: { NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' },
};

export default defineConfig({
  test: {
    // Most tests wait for a server more than they compute, so more files run at once than a small machine has cores.
    maxWorkers: 4,
    globalSetup: 'test/support/shared-by-run.ts',
    // @azure/event-hubs 6.0.4 rejects a promise that nobody holds when a receiver loses its partition while it closes. Several tests take
    // partitions away on purpose.
    onUnhandledError: (error) => !('code' in error && error.code === 'ReceiverDisconnectedError'),
    projects: [
      { test: { ...common, name: 'alone', include: alone } },
      // One process runs many of these files, and loads each module once: that halves the time of a full run.
      {
        test: {
          ...common,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          isolate: false,
          restoreMocks: true,
        },
      },
    ],
  },
});
