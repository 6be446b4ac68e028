import type { DriftRow } from './departure.ts';
import { isOver, type Outcome, type Transition, type TransitionCause } from './outcome.ts';

/** Maximum number of characters of a transition's reason. */
const longestReason = 200;
/** Maximum number of transitions of a row. Of a longer course, the first and the last ones are kept, and one of each outcome. */
const mostTransitions = 40;
/** Number of first transitions that are always kept. */
const firstTransitions = 8;

/** A new outcome of a row. */
export interface OutcomeChange {
  readonly outcome: Outcome;
  readonly error?: string | undefined;
  readonly at: string;
  readonly by: TransitionCause;
}

/** Returns the row with another outcome and error. The row keeps the earlier outcomes in its transitions. */
export function withOutcome(row: DriftRow, { outcome, error, at, by }: OutcomeChange): DriftRow {
  const { error: _, ...rest } = row;
  return {
    ...rest,
    v: 2,
    outcome,
    outcomeAt: at,
    ...(error === undefined ? {} : { error }),
    ...listed(withTransition(transitionsOf(row), { at, outcome, ...shortReason(error), by })),
  };
}

/** Returns an `audited` row whose drift has ended. The row keeps its outcome. */
export function withEnd(row: DriftRow, at: string, by: TransitionCause): DriftRow {
  return {
    ...row,
    v: 2,
    closedAt: at,
    ...listed(withTransition(transitionsOf(row), { at, outcome: 'ended', by })),
  };
}

/** Returns a row whose drift had ended and is there again. */
export function withoutEnd({ closedAt: _, ...row }: DriftRow, at: string, by: TransitionCause): DriftRow {
  const { outcome, error } = row;
  return {
    ...row,
    v: 2,
    ...listed(withTransition(transitionsOf(row), { at, outcome, ...shortReason(error), by })),
  };
}

/** The course of a row, oldest transition first. A row of the first format tells only its present outcome. */
export function transitionsOf(row: DriftRow): readonly Transition[] {
  const { v, transitions, outcome, outcomeAt, closedAt, error } = row;
  if (transitions !== undefined || v !== 1 || outcome === 'pending') return transitions ?? [];
  return [
    { at: outcomeAt, outcome, ...shortReason(error) },
    ...(closedAt === undefined ? [] : [{ at: closedAt, outcome: 'ended' } as const]),
  ];
}

/**
 * Adds a transition to a course. The same outcome for the same reason is not added again. When only a try to repair the drift is between them, the
 * earlier one counts both. An outcome that ends the drift is always added: the twin was out of line between the two.
 */
function withTransition(course: readonly Transition[], next: Transition): readonly Transition[] {
  const last = course.at(-1);
  if (last === undefined ? next.outcome === 'pending' : isSame(last, next)) return course;
  const before = course.at(-2);
  if (last?.outcome === 'pending' && before !== undefined && leavesOpen(before) && isSame(before, next)) {
    return [...course.slice(0, -2), { ...before, times: (before.times ?? 1) + 1, lastAt: next.at }];
  }
  const longer = [...course, next];
  return longer.length <= mostTransitions ? longer : withoutOne(longer);
}

/** Takes out the oldest transition that is not among the first ones and not the only one of its outcome. */
function withoutOne(course: readonly Transition[]): readonly Transition[] {
  const outcomes = course.map(({ outcome }) => outcome);
  const index = outcomes.findIndex(
    (outcome, at) => at >= firstTransitions && outcomes.indexOf(outcome) !== outcomes.lastIndexOf(outcome),
  );
  const [removed, following] = [course[index], course[index + 1]];
  if (removed === undefined || following === undefined) return course;
  const omitted = (removed.omitted ?? 0) + (following.omitted ?? 0) + 1;
  return [...course.slice(0, index), { ...following, omitted }, ...course.slice(index + 2)];
}

/** Whether two transitions are the same outcome for the same reason. Only the first word of the reason of a guard or of a wait counts. */
function isSame(a: Transition, b: Transition): boolean {
  return a.outcome === b.outcome && kindOf(a.reason) === kindOf(b.reason);
}

/** Whether the twin is out of line after a transition. */
export function leavesOpen({ outcome }: Transition): boolean {
  return outcome !== 'ended' && !isOver(outcome);
}

function kindOf(reason: string | undefined): string | undefined {
  return /^([a-zA-Z]{1,40}): /.exec(reason ?? '')?.[1] ?? reason;
}

function shortReason(error: string | undefined): { readonly reason?: string } {
  return error === undefined ? {} : { reason: error.slice(0, longestReason) };
}

function listed(transitions: readonly Transition[]): Pick<DriftRow, 'transitions'> {
  return transitions.length === 0 ? {} : { transitions };
}
