/** The queue over which a sweep hands out its work, and over which it is asked to start and to go on. */
export const sweepQueueName = 'twinkeeper-sweep';
