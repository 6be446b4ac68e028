import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that replace modules or measure the heap. Each file has a process of its own. */
const alone = ['test/functions/*.test.ts', 'test/infra/bench/heap-watch.test.ts', 'test/shared/sweep/id-set.test.ts'];

/** The files that take longest, longest first. */
const longest = [
  'test/e2e/once.test.ts',
  'test/e2e/stop.test.ts',
  'test/shared/sweep/crash.test.ts',
  'test/shared/drift/index-agrees.test.ts',
  'test/infra/cli/commands/history-over-http.test.ts',
].map((file) => resolve(import.meta.dirname, file));

/** Starts the longest files first. Otherwise one process would still run them when the other processes have nothing left to do. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = (await super.sort(files)).filter(({ moduleId }) => !longest.includes(moduleId));
    const first = longest.flatMap((file) => files.filter(({ moduleId }) => moduleId === file));
    return [...first, ...others];
  }
}

const common = {
  // Long enough for a busy machine. A test that hangs is still found.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  // Tests talk to servers on this machine only. A proxy of the environment does not know them.
  env: { NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' },
};

export default defineConfig({
  test: {
    // Most tests wait for a server more than they compute, so more files run at once than a small machine has cores.
    maxWorkers: 4,
    globalSetup: 'test/support/shared-by-run.ts',
    sequence: { sequencer: LongestFirst },
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
