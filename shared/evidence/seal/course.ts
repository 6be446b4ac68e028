import { type DriftRow, isOver, type Transition } from '../../drift/index.ts';
import { isIn, type Period } from './day.ts';

/** What a row said at a time: its last transition before that time. `undefined` when the row had none. Pure. */
export function lastBefore({ transitions = [] }: DriftRow, time: string): Transition | undefined {
  return transitions.findLast(({ at }) => Date.parse(at) < Date.parse(time));
}

/** Whether a row was open at a time: it had an outcome, and its drift was not over. Pure. */
export function wasOpen(row: DriftRow, time: string): boolean {
  const last = lastBefore(row, time);
  return last !== undefined && last.outcome !== 'ended' && !isOver(last.outcome);
}

/** The transitions that happened, or happened again, in a period. Pure. */
export function transitionsIn({ transitions = [] }: DriftRow, period: Period): readonly Transition[] {
  return transitions.filter(({ at, lastAt }) => isIn(period, at) || (lastAt !== undefined && isIn(period, lastAt)));
}

/** Whether nothing happened to a row at a time or later. Pure. */
export function isQuietFrom({ transitions = [] }: DriftRow, time: string): boolean {
  return transitions.every(({ at, lastAt = at }) => Date.parse(lastAt) < Date.parse(time));
}
