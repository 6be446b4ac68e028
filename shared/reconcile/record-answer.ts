import type { DriftRow } from '../drift/index.ts';
import type { Answer, Problem } from '../hub/index.ts';
import type { DeviceRows } from './device-rows.ts';

/**
 * Sets the outcome of rows from the hub's answer to the repair of these rows. Returns the reason for a retry. Returns `undefined` when no
 * retry is needed.
 */
export function recordAnswer(
  rows: readonly DriftRow[],
  answer: Answer<void>,
  success: 'enforced' | 'created',
  deviceRows: DeviceRows,
): string | undefined {
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

/** Sets rows that are `pending` or `deferred` to `deferred`, and returns the reason. Rows with another outcome stay unchanged. */
export function recordDeferral(rows: readonly DriftRow[], { message }: Problem, deviceRows: DeviceRows): string {
  for (const row of rows) {
    const { outcome } = deviceRows.current(row);
    if (outcome === 'pending' || outcome === 'deferred') deviceRows.setOutcome(row, 'deferred', message);
  }
  return message;
}
