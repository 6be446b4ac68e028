/**
 * The sweep finds drift that no event reported. The sweep queries the hub for twins that break a policy, so a compliant hub costs only a
 * few calls. The sweep compares the number of devices with the number of modules, and searches for missing modules only where the numbers
 * differ. The sweep queues the devices that it finds as work items. Query results are some minutes old, so the worker reads each twin again
 * before it changes the twin.
 *
 * @module
 */

export { backfillAbove, createJobFolders, exportAbove, removeOldJobFolders } from './hub-jobs/index.ts';
export { isRefusal, QueryRefused } from './interruption.ts';
export { countsAreComparable } from './steps.ts';
export { sweepQueueName } from './store/index.ts';
export type { SweepGuardStore } from './sweep-dependencies.ts';
export { SweepWorker } from './sweep-worker.ts';
export { type SweepEnd, Sweeper } from './sweeper.ts';
export { deviceIdsOf, idsSuffice, toDevice, toProjectedTwin } from './twin-results.ts';
export { createSweepQueue, devicesPerItem, type SweepMessage, type SweepQueue } from './work-queue.ts';
