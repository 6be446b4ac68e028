/**
 * The sweep: finds what no event told of, at a cost that does not grow with a compliant fleet. It asks the hub which modules break a
 * policy and how many there are, walks only where that does not settle it, and hands out what it finds over a queue. What a query says
 * is never acted on as it is: each suspect is read again.
 *
 * @module
 */
export { createSweepQueue, type SweepMessage, type SweepPart, type SweepQueue, sweepQueueName } from './part-queue.ts';
export type { SweepNotes } from './sweep-run.ts';
export { SweepWorker } from './sweep-worker.ts';
export { type SweepEnd, Sweeper } from './sweeper.ts';
