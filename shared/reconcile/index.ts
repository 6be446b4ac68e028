/**
 * The reconciler. Its one idea: level-triggered, not edge-triggered. An event, a sweep and a retry all become the same thing, "look at
 * this device"; what is then decided depends on the policies and the twin as it is now, and deciding is pure. Events decide where to
 * look, let reads be skipped, and are evidence for the history.
 *
 * @module
 */

export { type DeviceWork, workForDevice, workForMissingModule, workForModule, workFromEvents } from './device-work.ts';
export {
  type EventCounts,
  EventProcessor,
  type EventProcessorDependencies,
  type RetrySchedule,
} from './event-processor.ts';
export { isOutOfLine } from './is-out-of-line.ts';
export { type Action, type Observed, type ObservedTwin, type Plan, plan } from './plan.ts';
export { type DeviceResult, Reconciler } from './reconciler.ts';
export type { ReconcilerDependencies } from './reconciler-dependencies.ts';
