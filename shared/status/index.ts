/**
 * How the app is, in one record. The function `roll-up` computes the status of the whole app from what is stored, at no hub call, and logs it
 * as one line. The health of the API, the command and the dashboard show the same facts and the same problems.
 *
 * Three steps lead to a status. Each process counts its own use of the hub, and stores the counts. Facts are then read from storage. Pure
 * functions find the problems in the facts, and write the status.
 *
 * @module
 */
export { AppShare, type AppShareOptions } from './app-share.ts';
export { type FactSources, type Facts, mostDeadLetters, readFacts } from './facts.ts';
export type { InstanceUse } from './instance-use.ts';
export { findProblems, isHealthy, type LiveChecks, type ProblemSettings, type StatusProblem } from './problems.ts';
export {
  type ProblemCode,
  problemCodes,
  type Status,
  statusPrefix,
  statusSchema,
} from './status.ts';
export { createStatusStore, type RolledUp, type StatusStore } from './status-store.ts';
export { type AppIdentity, statusLine, toStatus } from './to-status.ts';
export type { DayUsage } from './usage.ts';
export { UsageRecorder } from './usage-recorder.ts';
