/**
 * Name of the queue for deferred work. Messages that fail too often go to the queue `twinkeeper-deferred-poison`. The app needs this name when
 * it starts, and the code of the queue only later, so the name has a file of its own.
 */
export const deferredQueueName = 'twinkeeper-deferred';
