import { type DriftRow, isOpen } from './departure.ts';
import type { KnownRows } from './known-rows.ts';
import type { Transition } from './outcome.ts';
import { transitionsOf } from './transitions.ts';

/**
 * Splits the rows of one write into steps. The journal stores the steps one after the other. The steps make a crash at any moment harmless:
 *
 * 1. Known rows whose outcome changes are first stored as `pending`. A later pass that finds a `pending` row sets its outcome again, in the
 *    journal and in the history index. An outcome must never be in the index alone, because a later pass may decide on a different outcome.
 * 2. All rows are stored with their outcome, except that new rows are stored as `pending`.
 * 3. New rows are stored with their outcome. They come last, so that two rows of one property are open together as briefly as possible.
 */
export function toWriteSteps(rows: readonly DriftRow[], known: KnownRows): readonly (readonly DriftRow[])[] {
  const knownRows = new Map([...known.recent, ...known.open].map((row) => [row.rowKey, row]));
  const decided = rows.filter(
    ({ rowKey, outcome }) => outcome !== 'pending' && knownRows.get(rowKey)?.outcome !== 'pending',
  );
  const added = new Set(decided.filter(({ rowKey }) => !knownRows.has(rowKey)));
  const steps = [
    decided.filter((row) => !added.has(row)).map((row) => asPending(row, knownRows.get(row.rowKey))),
    rows.map((row) => (added.has(row) ? asPending(row, undefined) : row)),
    [...added],
  ];
  return steps.filter((step) => step.length > 0);
}

/**
 * The row before its outcome is decided. It has the transitions that are stored, because a later pass may decide on a different outcome. That
 * closed drift is there again is certain already, so a crash must not leave it out.
 */
function asPending(row: DriftRow, known: DriftRow | undefined): DriftRow {
  const { error: _, closedAt: __, transitions: ___, ...rest } = row;
  const stored = known === undefined ? [] : transitionsOf(known);
  const opening = known === undefined || isOpen(known) || !isOpen(row) ? undefined : transitionsOf(row)[stored.length];
  const transitions = opening === undefined ? stored : [...stored, asTry(opening)];
  return {
    ...rest,
    outcome: 'pending',
    outcomeAt: row.detectedAt,
    ...(transitions.length === 0 ? {} : { transitions }),
  };
}

/** The first step of drift that is there again, before its outcome is decided. */
function asTry({ at, by }: Transition): Transition {
  return { at, outcome: 'pending', ...(by === undefined ? {} : { by }) };
}
