import { app, type InvocationContext, type Timer } from '@azure/functions';
import { sweepQueueName } from '../shared/sweep/store/index.ts';
import type { LazyApp } from './lazy-app.ts';

/**
 * Registers the three functions of the sweep. The timer function `sweep` starts a sweep. The function `sweep-work` handles one message of
 * the sweep queue. Such a message starts a sweep, resumes a sweep after its deadline, or repairs devices that a sweep found. When
 * `sweep-work` has failed on a message at every attempt, the function `sweep-work-poison` logs the failure and counts the message's devices
 * as deferred. The next sweep finds these devices again. The API registers `POST /api/sweep`, which starts a sweep by hand.
 */
export function registerSweep(twinkeeper: LazyApp): void {
  const loadSweep = async () => (await twinkeeper.load()).loadSweep();
  app.timer('sweep', {
    schedule: twinkeeper.settings.sweep.schedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const { sweeperFor } = await loadSweep();
      await sweeperFor(context).run({ trigger: 'timer' });
    },
  });
  app.storageQueue('sweep-work', {
    connection: 'AzureWebJobsStorage',
    queueName: sweepQueueName,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await loadSweep();
      await workerFor(context).handle(message);
    },
  });
  app.storageQueue('sweep-work-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${sweepQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      const { workerFor } = await loadSweep();
      await workerFor(context).deadLetter(message);
    },
  });
}
