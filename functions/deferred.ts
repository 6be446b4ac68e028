import { app, type InvocationContext } from '@azure/functions';
import { deferredQueueName } from '../shared/retry/index.ts';
import type { LazyApp } from './lazy-app.ts';

/**
 * Registers the two functions of the deferred queue. The function `deferred` retries the events of a device that an earlier invocation
 * deferred. When `deferred` has failed on a message at every attempt, the function `deferred-poison` stores the message as a dead letter.
 */
export function registerDeferred(twinkeeper: LazyApp): void {
  app.storageQueue('deferred', {
    connection: 'AzureWebJobsStorage',
    queueName: deferredQueueName,
    async handler(message: unknown, context: InvocationContext) {
      const { processorFor } = await twinkeeper.load();
      await processorFor(context).retry(message);
    },
  });
  app.storageQueue('deferred-poison', {
    connection: 'AzureWebJobsStorage',
    queueName: `${deferredQueueName}-poison`,
    async handler(message: unknown, context: InvocationContext) {
      const { processorFor } = await twinkeeper.load();
      await processorFor(context).deadLetter(message, 'the deferred function failed on it every time');
    },
  });
}
