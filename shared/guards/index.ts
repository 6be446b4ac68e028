/**
 * The limits that keep Twinkeeper from running away. It leaves alone a property that a configuration of the hub sets. It stands down
 * where somebody keeps changing a property back. It limits how many twins a policy overwrites in an hour.
 *
 * @module
 */
export type { BlastRadiusDependencies, OverwriteLimit } from './blast-radius.ts';
export { competingSettings, describeCompeting } from './competing-settings.ts';
export { createGuards } from './create-guards.ts';
export { type Guard, guardedHistory, noGuard, type Review } from './guard.ts';
export {
  type CompetingSetting,
  createGuardStore,
  type GuardStore,
  type GuardStoreOptions,
  releaseTime,
} from './guard-store.ts';
