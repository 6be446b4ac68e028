import type { DriftRow } from '../drift/index.ts';
import type { Answer, Problem } from '../hub/index.ts';
import type { DeviceRows } from './device-rows.ts';

/** Why a device must be retried. */
export interface Deferral {
  readonly reason: string;
  /** Seconds until the retry, when the device only waits. Such a wait is not a failed attempt. */
  readonly retryAfter?: number;
}

/**
 * Sets the outcome of rows from the hub's answer to the repair of these rows. Returns the reason for a retry. Returns `undefined` when no
 * retry is needed.
 */
export function recordAnswer(
  rows: readonly DriftRow[],
  answer: Answer<void>,
  success: 'enforced' | 'created',
  deviceRows: DeviceRows,
): Deferral | undefined {
  if (answer.ok) {
    for (const row of rows) deviceRows.setOutcome(row, success);
    return undefined;
  }
  const { problem } = answer;
  if (problem.type !== 'gone' && problem.type !== 'refused') return recordDeferral(rows, problem, deviceRows);
  for (const row of rows) {
    if (problem.type === 'gone') deviceRows.setOutcome(row, 'gone');
    else deviceRows.setOutcome(row, 'failed', problem.message);
  }
  return undefined;
}

/**
 * Sets rows that are `pending` or `deferred` to `deferred`, and returns the reason. Rows with another outcome stay unchanged.
 */
export function recordDeferral(rows: readonly DriftRow[], problem: Problem, deviceRows: DeviceRows): Deferral {
  const { message } = problem;
  for (const row of rows) {
    const { outcome } = deviceRows.current(row);
    if (outcome === 'pending' || outcome === 'deferred') deviceRows.setOutcome(row, 'deferred', message);
  }
  const retryAfter = waitOf(problem);
  return { reason: message, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/**
 * Seconds until the retry, when a call only waits: for the budget of hub calls, or for the messages of the next day. Such a wait is not a failed
 * attempt. `undefined` when the call failed.
 */
export function waitOf(problem: Problem): number | undefined {
  if (problem.type !== 'throttled' || problem.retryAfter === undefined) return undefined;
  return problem.waits === true ? Math.ceil(problem.retryAfter / 1000) : undefined;
}

/**
 * Sets the outcomes of rows that this pass repaired, where another process changed the rows in between. Another pass may have seen the created
 * module first. It judges by times that are not exact, and may have taken the module for healed. The hub's answer to the creation is certain,
 * so it replaces that outcome.
 *
 * @param repaired The outcome by row key.
 */
export function recordRepairs(repaired: ReadonlyMap<string, 'enforced' | 'created'>, deviceRows: DeviceRows): void {
  for (const row of deviceRows.rows()) {
    const outcome = repaired.get(row.rowKey);
    if (outcome === undefined) continue;
    if (row.outcome === 'pending' || (row.outcome === 'healed' && outcome === 'created')) {
      deviceRows.setOutcome(row, outcome);
    }
  }
}
