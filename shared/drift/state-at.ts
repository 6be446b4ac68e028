import type { DriftRow } from './departure.ts';
import { isOver, type Outcome, type TransitionCause } from './outcome.ts';
import { transitionsOf } from './transitions.ts';

/** What was so for a departure at a time. */
export interface StateThen {
  /** The outcome that the row had. Absent for a row of the first format, of which only the last outcome is known. */
  readonly outcome?: Outcome;
  /** Since when, ISO 8601. A row is `pending` since its detection. Absent when the outcome is. */
  readonly since?: string;
  readonly reason?: string;
  readonly by?: TransitionCause;
}

/** A range of time, ISO 8601. `from` is inclusive, `to` is exclusive. */
export interface OpenRange {
  readonly from: string;
  readonly to: string;
}

/** The state of a row at a time. `undefined` when the drift was not yet detected then, or was over. */
export function stateAt(row: DriftRow, at: string): StateThen | undefined {
  const time = Date.parse(at);
  if (Date.parse(row.detectedAt) > time) return undefined;
  const last = transitionsOf(row).findLast((transition) => Date.parse(transition.at) <= time);
  if (last === undefined)
    return row.v === 1 && row.outcome !== 'pending' ? {} : { outcome: 'pending', since: row.detectedAt };
  const { outcome, at: since, reason, by } = last;
  if (outcome === 'ended' || isOver(outcome)) return undefined;
  return { outcome, since, ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
}

/** Whether the twin was out of line at any moment of a range, as far as the row tells. */
export function wasOpenDuring(row: DriftRow, { from, to }: OpenRange): boolean {
  if (Date.parse(row.detectedAt) >= Date.parse(to)) return false;
  if (stateAt(row, from) !== undefined) return true;
  // Detected in the range, or over at its start and there again within it.
  return [row.detectedAt, ...openings(row)].some(
    (at) => Date.parse(at) >= Date.parse(from) && Date.parse(at) < Date.parse(to),
  );
}

/** The times at which the row got an outcome that leaves the twin out of line. */
function openings(row: DriftRow): readonly string[] {
  return transitionsOf(row)
    .filter(({ outcome }) => outcome !== 'ended' && !isOver(outcome))
    .map(({ at }) => at);
}
