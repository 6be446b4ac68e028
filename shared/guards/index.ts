/**
 * Guards keep Twinkeeper from running away. Before a pass changes a device, the guards hold back single departures, each with a reason.
 * One guard leaves alone properties that a configuration of the hub sets. One stands down where somebody keeps changing a property back.
 * One limits how many values a policy overwrites in an hour.
 *
 * @module
 */
export type { BlastRadiusDependencies, OverwriteLimit } from './blast-radius.ts';
export { type CompetingSetting, competingSettings, describeCompeting } from './competing-settings.ts';
export { createGuards } from './create-guards.ts';
export { type Guard, guardedHistory, noGuard, type Review } from './guard.ts';
export { createGuardStore, type GuardStore, type GuardStoreOptions } from './guard-store.ts';
