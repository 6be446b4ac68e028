/**
 * Creates many missing modules by one import job of the hub. `BackfillCoordinator` says how.
 *
 * @module
 */
export { BackfillCoordinator, type BackfillDependencies } from './backfill.ts';
export { answerFromImport, collectCreations } from './import-hubs.ts';
export { stepOf, writeLines } from './prepare-item.ts';
export { loadResults } from './results.ts';
