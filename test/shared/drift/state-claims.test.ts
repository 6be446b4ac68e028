/** Tests that the course of a row never claims a state that the row did not have. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DriftRow,
  isOver,
  type Outcome,
  stateAt,
  wasOpenDuring,
  withEnd,
  withOutcome,
  withoutEnd,
} from '../../../shared/drift/index.ts';
import { fromEntity, toEntity } from '../../../shared/drift/row-entity.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 10, 9, minute)).toISOString();
const pending = driftRow('d', at(0), { outcome: 'pending' });

type Change = Outcome | 'end' | 'return';

/** Changes a row once a minute. Returns also whether the twin was out of line in each minute, and with which outcome. */
function live(changes: readonly Change[]): { readonly row: DriftRow; readonly truth: readonly (Outcome | 'over')[] } {
  let row: DriftRow = pending;
  const truth: (Outcome | 'over')[] = ['pending'];
  for (const [index, change] of changes.entries()) {
    const time = at(index + 1);
    if (change === 'end')
      row = row.outcome === 'audited' && row.closedAt === undefined ? withEnd(row, time, 'event') : row;
    else if (change === 'return') row = row.closedAt === undefined ? row : withoutEnd(row, time, 'sweep');
    else {
      const { closedAt: _, ...open } = row;
      row = withOutcome(open, { outcome: change, error: undefined, at: time, by: 'event' });
    }
    truth.push(isOver(row.outcome) || row.closedAt !== undefined ? 'over' : row.outcome);
  }
  return { row, truth };
}

const change = fc.constantFrom<Change>(
  'pending',
  'pending',
  'deferred',
  'heldBack',
  'audited',
  'enforced',
  'healed',
  'end',
  'return',
);

describe('the state of a row at a time', () => {
  it('is the outcome of that time, or not known: any course, also one that is longer than what is kept', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const { row, truth } = live(changes);
        const stored = fromEntity(toEntity(row, row.rowKey));
        for (const [minute, was] of truth.entries()) {
          const state = stateAt(stored, at(minute));
          if (was === 'over') expect(state?.outcome).toBeUndefined();
          else {
            expect(state).toBeDefined();
            expect(wasOpenDuring(stored, { from: at(minute), to: at(minute + 1) })).toBe(true);
            // A try that led to the outcome before it is counted there.
            if (state?.outcome !== undefined && was !== 'pending') expect(state.outcome).toBe(was);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is open while drift that had healed was there again, until it healed once more', () => {
    const { row } = live(['healed', 'pending', 'healed']);
    expect([0, 1, 2, 3].map((minute) => stateAt(row, at(minute))?.outcome)).toEqual([
      'pending',
      undefined,
      'pending',
      undefined,
    ]);
  });

  it('is not known before the outcome that the first format kept, also when later outcomes have followed', () => {
    const { transitions: _, ...old } = driftRow('d', at(0), { v: 1, outcome: 'heldBack', outcomeAt: at(5) });
    const row = withOutcome(fromEntity(toEntity(old, old.rowKey)), {
      outcome: 'enforced',
      error: undefined,
      at: at(9),
      by: 'sweep',
    });
    expect(stateAt(row, at(2))).toEqual({});
    expect(stateAt(row, at(6))).toMatchObject({ outcome: 'heldBack' });
    expect(stateAt(row, at(9))).toBeUndefined();
  });
});
