/**
 * How the app is, in one record. The function `roll-up` computes the status of the whole app from what is stored, at no hub call, and logs it
 * as one line. The health of the API, the command and the dashboard show the same facts and the same problems.
 *
 * @module
 */
export {
  type HeldBackReason,
  heldBackReasons,
  type ProblemCode,
  problemCodes,
  problemSeverities,
  type Status,
  statusPrefix,
  statusSchema,
} from './status.ts';
