import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most tests wait for something more than they compute: more of them at once than a small machine has cores.
    maxWorkers: 4,
    // All that tests talk to is on this machine, which a proxy of the environment does not know.
    env: { NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' },
    // Where a receiver loses its partition just as it is being closed, @azure/event-hubs 6.0.4 rejects a promise that it has let go of
    // itself. Several tests take partitions away on purpose.
    onUnhandledError: (error) => !('code' in error && error.code === 'ReceiverDisconnectedError'),
  },
});
