import type { DriftRow } from '../../shared/drift/index.ts';
import type { OpenRow, OpenState } from './shapes.ts';

/** A row that is out of line, with why it is not mended. */
export function toOpenRow(row: DriftRow): OpenRow {
  return { ...row, why: { state: stateOf(row), reason: reasonOf(row) } };
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
      if (kind === 'notReported') return 'The agent has not taken it up: only the agent can.';
      return (
        message ??
        (mode === 'audit' ? 'The policy is in audit mode: it is recorded, and left as it is.' : 'Nothing can mend it.')
      );
    case 'deferred':
      return 'It could not be mended yet: it is tried again.';
    case 'pending':
      return 'It is being mended, or was when a process ended: the next look completes it.';
    case 'heldBack':
      return 'A guard keeps it from being mended for now.';
    default:
      return 'It was given up.';
  }
}
