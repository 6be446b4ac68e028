import { app, type InvocationContext } from '@azure/functions';
import { deferredQueueName } from '../shared/retry/index.ts';
import type { App } from './compose.ts';

/**
 * Registers the two functions of the deferred queue. `deferred` retries the events of a device that could not be handled before.
 * `deferred-poison` stores a message as a dead letter after `deferred` has failed on every attempt.
 */
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
