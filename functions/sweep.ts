import { app, type HttpRequest, type HttpResponseInit, type InvocationContext, type Timer } from '@azure/functions';
import { sweepQueueName } from '../shared/sweep/index.ts';
import type { App } from './app.ts';

/**
 * `sweep`: looks for what no event told of, by the clock. `sweep-work`: does what a sweep found, and goes on with one that came to its
 * deadline; `sweep-work-poison`: takes note of what could not be done. `sweep-start`: `POST /api/sweep` asks for one now.
 */
export function registerSweep(twinkeeper: App): void {
  app.timer('sweep', {
    schedule: twinkeeper.settings.sweep.schedule,
    async handler(_timer: Timer, context: InvocationContext) {
      await twinkeeper.sweeperFor(context).run({ trigger: 'timer' });
    },
  });
  app.storageQueue('sweep-work', {
    connection: 'AzureWebJobsStorage',
    queueName: sweepQueueName,
    async handler(message: unknown, context: InvocationContext) {
      await twinkeeper.sweepWorkerFor(context).handle(message);
    },
  });
  app.storageQueue('sweep-work-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${sweepQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      await twinkeeper.sweepWorkerFor(context).bury(message);
    },
  });
  app.http('sweep-start', {
    methods: ['POST'],
    authLevel: 'admin',
    route: 'sweep',
    async handler(_request: HttpRequest, _context: InvocationContext): Promise<HttpResponseInit> {
      await twinkeeper.sweepQueue.put({ type: 'start' });
      return {
        status: 202,
        jsonBody: { status: 'accepted', detail: 'A sweep begins within seconds or, if one is under way, after it.' },
      };
    },
  });
}
