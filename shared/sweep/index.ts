/**
 * The sweep finds departures that no event reported. Its idea: ask the hub by query which twins break a policy, so that a compliant hub
 * costs a handful of calls. Counts show whether a module is missing, and only a difference leads to a search. Findings are queued as work
 * items. Query results lag, so each twin is read again before it is changed.
 *
 * @module
 */

export { IdSet } from './id-set.ts';
export { QueryRefused } from './interruption.ts';
export { countsAreComparable } from './steps.ts';
export { sweepQueueName } from './store/index.ts';
export type { SweepGuardStore } from './sweep-dependencies.ts';
export { SweepWorker } from './sweep-worker.ts';
export { type SweepEnd, Sweeper } from './sweeper.ts';
export { deviceIdsOf, idsSuffice, selectWholeTwins, toDevice } from './twin-results.ts';
export { createSweepQueue, type SweepMessage, type SweepQueue, type WorkItem } from './work-queue.ts';
