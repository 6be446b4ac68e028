/**
 * Guards limit the harm of a wrong policy and of conflicts with other writers. Before a pass changes a device, the guards may hold back
 * some of the repairs, each with a reason. There are four guards:
 *
 * 1. The guard against competing configurations holds back repairs of properties that an automatic configuration of the hub sets.
 * 2. The guard for contested properties holds back repairs for an hour when somebody keeps changing a property back.
 * 3. The guard for recreated modules holds back the creation of a module for an hour when somebody keeps deleting the module.
 * 4. The blast-radius guard limits in how many twins a policy overwrites or removes something in an hour.
 *
 * @module
 */
export { type BlastRadius, type BlastRadiusDependencies, overwrittenTwins } from './blast-radius.ts';
export { type CompetingSetting, competingSettings, describeCompeting } from './competing-settings.ts';
export type { TwinIds } from './counted-twins.ts';
export { createGuards } from './create-guards.ts';
export { type Guard, guardedHistory, noGuard, type Review } from './guard.ts';
export { createGuardStore, type FleetCount, type GuardStore, type GuardStoreOptions } from './guard-store.ts';
export type { HeldRow } from './held-row.ts';
