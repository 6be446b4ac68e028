/**
 * The sweep: finds what no event told of, at a cost that does not grow with a compliant fleet. It asks the hub which modules break a
 * policy and how many there are, walks only where that does not settle it, and hands out what it finds over a queue. What a query says
 * is never acted on as it is: each suspect is read again.
 *
 * @module
 */

export { IdSet } from './id-set.ts';
export { QueryRefused } from './interruption.ts';
export { countsAlike } from './steps.ts';
export { sweepQueueName } from './store/index.ts';
export type { SweepGuardStore } from './sweep-dependencies.ts';
export { SweepWorker } from './sweep-worker.ts';
export { type SweepEnd, Sweeper } from './sweeper.ts';
export { asTwins, deviceIdsOf, isPlain, toDevice } from './twin-results.ts';
export { createSweepQueue, type SweepMessage, type SweepQueue, type WorkItem } from './work-queue.ts';
