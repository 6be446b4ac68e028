import type { DriftRow } from './departure.ts';
import type { Outcome, TransitionCause } from './outcome.ts';
import { leavesOpen, transitionsOf } from './transitions.ts';

/** What was so for a departure at a time. */
export interface StateThen {
  /**
   * The outcome that the row had. Absent where it is not known: before the last outcome of the first format, and where a long course has
   * left out transitions. The twin may then have been in line for a while.
   */
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

/** The state of a row at a time. `undefined` when the drift was not yet detected then, or was over. Tells no outcome that the row does not show. */
export function stateAt(row: DriftRow, at: string): StateThen | undefined {
  const time = Date.parse(at);
  if (Date.parse(row.detectedAt) > time) return undefined;
  const course = transitionsOf(row);
  const index = course.findLastIndex((transition) => Date.parse(transition.at) <= time);
  const [last, next] = [course[index], course[index + 1]];
  if (next?.omitted !== undefined) return {};
  if (last === undefined) return isFromFirstFormat(row) ? {} : { outcome: 'pending', since: row.detectedAt };
  if (!leavesOpen(last)) return undefined;
  const { at: since, reason, by } = last;
  const outcome = last.outcome as Outcome;
  return { outcome, since, ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
}

/** Whether the row was decided when rows kept only their last outcome. Such an outcome names no cause, also after later ones have followed. */
function isFromFirstFormat(row: DriftRow): boolean {
  const [first] = transitionsOf(row);
  return first === undefined ? row.v === 1 && row.outcome !== 'pending' : first.by === undefined;
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
    .filter(leavesOpen)
    .map(({ at }) => at);
}

/** Whether the row had an outcome at any moment of a range. Where the row does not tell what was so then, any of its outcomes can have been. */
export function hadOutcomeDuring(row: DriftRow, outcome: Outcome, { from, to }: OpenRange): boolean {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const course = transitionsOf(row);
  const state = stateAt(row, from);
  if (state?.outcome === outcome) return true;
  if (outcome === 'pending' && Date.parse(row.detectedAt) >= start && Date.parse(row.detectedAt) < end) return true;
  const isCut = course.some(
    ({ at, omitted }, index) =>
      omitted !== undefined && Date.parse(at) >= start && Date.parse(course[index - 1]?.at ?? row.detectedAt) < end,
  );
  if (isCut || (state !== undefined && state.outcome === undefined)) {
    return row.outcome === outcome || course.some((one) => one.outcome === outcome);
  }
  return course.some(
    ({ at, lastAt = at, outcome: had }) => had === outcome && Date.parse(at) < end && Date.parse(lastAt) >= start,
  );
}
