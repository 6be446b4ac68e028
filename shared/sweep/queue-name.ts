/** The queue of the sweep: work items, and requests to start or resume a sweep. */
export const sweepQueueName = 'twinkeeper-sweep';
