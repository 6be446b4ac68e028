/**
 * Name of the queue for deferred work. Messages that fail too often go to the queue `twinkeeper-deferred-poison`. The name has a file of
 * its own, because the app needs the name when it starts, and needs the code of the queue only later.
 */
export const deferredQueueName = 'twinkeeper-deferred';
