import { app, type InvocationContext, type Timer } from '@azure/functions';
import { sweepQueueName } from '../shared/sweep/store/index.ts';
import type { App } from './compose.ts';

/**
 * Registers the three functions of the sweep. `sweep` starts a sweep by the clock. `sweep-work` handles one message of the sweep's queue:
 * start a sweep, resume one after its deadline, or repair the devices that a sweep found. `sweep-work-poison` records a message on which
 * `sweep-work` has failed every time. `POST /api/sweep` starts a sweep by hand; it belongs to the API.
 */
export function registerSweep(twinkeeper: App): void {
  app.timer('sweep', {
    schedule: twinkeeper.settings.sweep.schedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const { sweeperFor } = await twinkeeper.loadSweep();
      await sweeperFor(context).run({ trigger: 'timer' });
    },
  });
  app.storageQueue('sweep-work', {
    connection: 'AzureWebJobsStorage',
    queueName: sweepQueueName,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await twinkeeper.loadSweep();
      await workerFor(context).handle(message);
    },
  });
  app.storageQueue('sweep-work-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${sweepQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await twinkeeper.loadSweep();
      await workerFor(context).deadLetter(message);
    },
  });
}
