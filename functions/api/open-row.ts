import type { DriftRow } from '../../shared/drift/index.ts';
import { stateAt } from '../../shared/drift/index.ts';
import type { OpenRow, OpenState, RowThen } from './answers.ts';

/** Adds to an open history row the reason why its drift is not repaired. */
export function toOpenRow(row: DriftRow): OpenRow {
  return { ...row, why: { state: stateOf(row), reason: reasonOf(row) } };
}

/** Adds to a row that was open at a time what was so for it then. The other fields say what is so now. */
export function toRowThen(row: DriftRow, at: string): RowThen {
  const was = stateAt(row, at) ?? {};
  const { outcome, since, reason } = was;
  if (outcome === undefined) {
    return {
      ...row,
      was,
      why: {
        state: 'unknown',
        reason:
          'The row does not tell its outcome at that time: an older version of Twinkeeper kept only the last one, or the course is longer than ' +
          'what is kept. The twin may have been in line for a while.',
      },
    };
  }
  const { error: _, ...rest } = row;
  const { why } = toOpenRow({ ...rest, outcome, ...(reason === undefined ? {} : { error: reason }) });
  // The mode and the message are those of now. They explain `audited` only while no other outcome has followed.
  const isSinceThen = row.outcome === outcome && row.transitions?.at(-1)?.at === since;
  const isTold = outcome !== 'audited' || reason !== undefined || isSinceThen;
  return {
    ...row,
    was,
    why: isTold ? why : { ...why, reason: 'The drift was only recorded. The row does not tell why.' },
  };
}

function stateOf({ outcome, error = '' }: DriftRow): OpenState {
  switch (outcome) {
    case 'heldBack':
      return error.startsWith('contested') ? 'contested' : 'heldBack';
    case 'audited':
    case 'failed':
    case 'deferred':
      return outcome;
    default:
      return 'pending';
  }
}

function reasonOf({ outcome, error, message, mode, kind }: DriftRow): string {
  if (error !== undefined) return error;
  switch (outcome) {
    case 'audited':
      if (kind === 'notReported') return 'The agent has not applied the desired value. Only the agent can do that.';
      return (
        message ??
        (mode === 'audit'
          ? 'The policy is in audit mode: drift is recorded, and nothing is changed.'
          : 'The policy has no value that would repair it.')
      );
    case 'deferred':
      return 'The repair could not be made yet. It will be retried.';
    case 'pending':
      return 'The repair is under way, or a process ended during it. The next check of the device completes it.';
    case 'heldBack':
      return 'A guard holds the repair back for now.';
    default:
      return 'The repair failed and is not retried.';
  }
}
