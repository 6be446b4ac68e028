import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DriftRow,
  isOpen,
  type Outcome,
  withEnd,
  withFolded,
  withOutcome,
  withoutEnd,
} from '../../../../shared/drift/index.ts';
import { beginOf, dayAfter, type Period } from '../../../../shared/evidence/seal/day.ts';
import { linesOf } from '../../../../shared/evidence/seal/lines.ts';
import { differencesOf, type SealedRow } from '../../../../shared/evidence/seal/verify/compare-row.ts';
import { CoveredTime } from '../../../../shared/evidence/seal/verify/covered.ts';
import { DayOfRows, ExpectedRows } from '../../../../shared/evidence/seal/verify/expected-rows.ts';
import { driftRow } from '../../../support/drift-rows.ts';

const first = '2026-01-10';
const begin = Date.parse(beginOf(first));
const minute = 60_000;
const outcomes: readonly Outcome[] = ['pending', 'deferred', 'heldBack', 'failed', 'audited', 'enforced', 'healed'];

/** What happens to a row: a new outcome, or a further write that is counted in it. */
const step = fc.record({
  minutes: fc.integer({ min: 1, max: 150 }),
  outcome: fc.constantFrom(...outcomes),
  error: fc.constantFrom(undefined, 'busy', 'blastRadius: 3 of 3', 'blastRadius: 4 of 4'),
  isFolded: fc.boolean(),
});

/** The row after a step, as the app changes rows. A closed audited row opens again before anything else happens to it. */
function after(
  row: DriftRow,
  at: string,
  { outcome, error, isFolded }: typeof step extends fc.Arbitrary<infer T> ? T : never,
): DriftRow {
  if (isFolded && isOpen(row)) return withFolded(row, { ...row, write: { version: 2, at, exact: true }, actual: at });
  if (row.closedAt !== undefined) return withoutEnd(row, at, 'event');
  if (row.outcome === 'audited' && outcome !== 'audited') return withEnd(row, at, 'sweep');
  if (row.outcome === outcome && row.error === error) return row;
  return withOutcome(row, { outcome, error: isOpen({ ...row, outcome }) ? error : undefined, at, by: 'event' });
}

describe('the comparison of a row with the seals', () => {
  it('finds nothing in a row that only the app has changed, however long its course is', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }), (steps) => {
        const covered = new CoveredTime();
        const expected = new ExpectedRows(covered);
        let sealed: SealedRow | undefined;
        let day = first;
        /** Seals the days that ended ten minutes before a time. */
        const sealBefore = (row: DriftRow, time: number) => {
          for (; Date.parse(beginOf(dayAfter(day))) + 10 * minute <= time; day = dayAfter(day)) {
            const period: Period = { from: day === first ? undefined : beginOf(day), to: beginOf(dayAfter(day)) };
            const lines = linesOf(row, period);
            const sums = new DayOfRows(period);
            covered.add({ day, from: period.from ?? null, to: period.to });
            if (lines !== undefined) {
              sums.addRow(lines.row);
              for (const line of lines.transitions) sums.addTransition(line);
              sealed ??= { identity: lines.row, line: lines.row, lineTo: period.to, transitions: [] };
              Object.assign(sealed, { line: lines.row, lineTo: period.to });
              sealed.transitions.push(...lines.transitions.map((line) => ({ line, day: period })));
            }
            expected.add(sums);
          }
        };
        let time = begin;
        let row = driftRow('d', new Date(begin).toISOString(), { outcome: 'pending' });
        for (const each of steps) {
          time += each.minutes * minute;
          sealBefore(row, time);
          row = after(row, new Date(time).toISOString(), each);
        }
        // The coarse comparison may take a long course for changed. The close one then finds that nothing is.
        const isLong = (row.transitions ?? []).some(({ omitted }) => omitted !== undefined);
        if (!isLong) expect(expected.compare(row, 'journal')).toBe(true);
        if (sealed !== undefined) expect(differencesOf(sealed, row, covered)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
