/**
 * All calls to IoT Hub go through this folder. No other folder imports `azure-iothub`. Other folders use the {@link Hub} interface. Each
 * call returns a value, or a {@link Problem} that the caller must handle. This folder also retries calls, limits their time, and keeps
 * within a budget for the throttles of the hub.
 *
 * @module
 */
export { type BudgetOptions, entriesPerBulkCall } from './budget.ts';
export { CallGate } from './call-gate.ts';
export type { HubAddress } from './connection.ts';
export { hostOf, openRegistry } from './connection.ts';
export { type ExportedTwin, readExportLine } from './export-lines.ts';
export type { Answer, Configuration, Hub, HubJobs, Job, Lane, NewModule, Problem, QueryPage } from './hub.ts';
export type { Admission, HubShare, PutOff } from './hub-share.ts';
export { fromImportLine, type ImportError, readImportError, toImportLine } from './import-lines.ts';
export { connectToHub, type IotHubOptions } from './iot-hub.ts';
export { jobBlob, jobErrorsBlob } from './jobs.ts';
export { dailyMessages, sweepPart, untilNextDay } from './message-quota.ts';
export { type MeteredCall, messagesIn, quotaMessageBytes } from './metered-call.ts';
export {
  type HubTier,
  hubTiers,
  type OperationClass,
  operationClasses,
  throttleLimits,
} from './throttle-limits.ts';
