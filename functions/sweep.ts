import { app, type InvocationContext, type Timer } from '@azure/functions';
import { sweepQueueName } from '../shared/sweep/store/index.ts';
import type { App } from './compose.ts';

/**
 * `sweep`: looks for what no event told of, by the clock. `sweep-work`: does what a sweep found, and goes on with one that came to its
 * deadline; `sweep-work-poison`: takes note of what could not be done. `POST /api/sweep`, which asks for one now, is with the API.
 */
export function registerSweep(twinkeeper: App): void {
  app.timer('sweep', {
    schedule: twinkeeper.settings.sweep.schedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const { sweeperFor } = await twinkeeper.sweeping();
      await sweeperFor(context).run({ trigger: 'timer' });
    },
  });
  app.storageQueue('sweep-work', {
    connection: 'AzureWebJobsStorage',
    queueName: sweepQueueName,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await twinkeeper.sweeping();
      await workerFor(context).handle(message);
    },
  });
  app.storageQueue('sweep-work-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${sweepQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await twinkeeper.sweeping();
      await workerFor(context).deadLetter(message);
    },
  });
}
