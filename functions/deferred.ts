import { app, type InvocationContext } from '@azure/functions';
import { deferredQueueName } from '../shared/retry/index.ts';
import type { App } from './compose.ts';

/** `deferred`: tries again what could not be done before; `deferred-poison`: keeps what the queue gave up as dead letters. */
export function registerDeferred(twinkeeper: App): void {
  app.storageQueue('deferred', {
    connection: 'AzureWebJobsStorage',
    queueName: deferredQueueName,
    async handler(message: unknown, context: InvocationContext) {
      await twinkeeper.processorFor(context).retry(message);
    },
  });
  app.storageQueue('deferred-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${deferredQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      await twinkeeper.processorFor(context).deadLetter(message, 'the deferred function failed on it every time');
    },
  });
}
