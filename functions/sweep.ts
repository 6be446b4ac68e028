import { app, type InvocationContext, type Timer } from '@azure/functions';
import { sweepQueueName } from '../shared/sweep/index.ts';
import type { Twinkeeper } from './start.ts';

/**
 * `sweep`: looks for what no event told of, by the clock. `sweep-work`: does what a sweep found, and goes on with one that came to its
 * deadline; `sweep-work-poison`: takes note of what could not be done. `POST /api/sweep`, which asks for one now, is with the API.
 */
export function registerSweep(twinkeeper: Twinkeeper): void {
  const sweeping = async () => (await twinkeeper.app()).sweeping();
  app.timer('sweep', {
    schedule: twinkeeper.settings.sweep.schedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const { sweeperFor } = await sweeping();
      await sweeperFor(context).run({ trigger: 'timer' });
    },
  });
  app.storageQueue('sweep-work', {
    connection: 'AzureWebJobsStorage',
    queueName: sweepQueueName,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await sweeping();
      await workerFor(context).handle(message);
    },
  });
  app.storageQueue('sweep-work-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${sweepQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await sweeping();
      await workerFor(context).bury(message);
    },
  });
}
