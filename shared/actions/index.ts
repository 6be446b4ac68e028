/**
 * The record of operators' actions: who did something by hand, when, to which policy, device or dead letter, why, and with which result.
 * The record is written before the action begins, with the result `started`, and is completed after the action. So a process that dies in
 * between leaves a record that says so. An action whose record cannot be written does not begin. A new kind of action needs its name in
 * `actionKinds`, and its subject in `ActionTarget`.
 *
 * @module
 */
export {
  type ActionKind,
  type ActionRecord,
  type Actor,
  actionKinds,
  describeActor,
  describeTarget,
} from './action.ts';
export {
  type ActionIntent,
  type ActionLog,
  type ActionPage,
  type ActionQuery,
  createActionLog,
} from './action-log.ts';
export { longestReason, plainText } from './plain-text.ts';
export { createStoredActions, type StoredAction, type StoredActions } from './stored-actions.ts';
