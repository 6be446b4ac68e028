import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/run-folder.ts',
    // Long enough for a busy machine. A test that hangs is still found.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Most tests wait for a server more than they compute, so more files run at once than a small machine has cores.
    maxWorkers: 4,
    // Tests talk to servers on this machine only. A proxy of the environment does not know them.
    env: { NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' },
    // @azure/event-hubs 6.0.4 rejects a promise that nobody holds when a receiver loses its partition while it closes. Several tests take
    // partitions away on purpose.
    onUnhandledError: (error) => !('code' in error && error.code === 'ReceiverDisconnectedError'),
  },
});
