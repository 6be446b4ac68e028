/**
 * The reconciler brings devices in line with the policies. The reconciler is level-triggered, not edge-triggered. An event, a sweep and a
 * retry all cause the same work: read the device and repair the drift. The decision depends only on the policies and the present twin, and
 * the code that decides is pure. An event has three uses. An event names the device to read. An event can make a read unnecessary. An event
 * is evidence for the history.
 *
 * @module
 */

export { type DeviceWork, workForDevice, workForMissingModule, workForModule } from './device-work.ts';
export {
  type EventCounts,
  EventProcessor,
  type EventProcessorDependencies,
  type RetrySchedule,
} from './event-processor.ts';
export { workFromEvents } from './fold-events.ts';
export { isInForce } from './is-in-force.ts';
export { isOutOfLine } from './is-out-of-line.ts';
export { type Action, type Observed, type ObservedTwin, type Plan, plan } from './plan.ts';
export { type DeviceResult, Reconciler } from './reconciler.ts';
export type { ReconcilerDependencies } from './reconciler-dependencies.ts';
