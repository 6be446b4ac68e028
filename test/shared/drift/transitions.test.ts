import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DriftRow, type Outcome, stateAt, withEnd, withOutcome, withoutEnd } from '../../../shared/drift/index.ts';
import { fromEntity, toEntity } from '../../../shared/drift/row-entity.ts';
import { toWriteSteps } from '../../../shared/drift/write-steps.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 10, 9, minute)).toISOString();
const pending = driftRow('d', at(0), { outcome: 'pending' });

/** Gives a row outcomes, one each minute. */
function after(row: DriftRow, ...changes: readonly (readonly [Outcome, (string | undefined)?])[]): DriftRow {
  return changes.reduce(
    (before, [outcome, error], index) => withOutcome(before, { outcome, error, at: at(index + 1), by: 'event' }),
    row,
  );
}

const course = ({ transitions = [] }: DriftRow) => transitions.map(({ outcome }) => outcome);

describe('the transitions of a row', () => {
  it('tell that a row was held back, released and repaired, when, why and by what', () => {
    const held = withOutcome(pending, {
      outcome: 'heldBack',
      error: 'blastRadius: 20 of 20',
      at: at(1),
      by: 'sweep',
    });
    const released = withOutcome(held, { outcome: 'pending', at: at(7), by: 'manual' });
    const row = withOutcome(released, { outcome: 'enforced', at: at(7), by: 'manual' });
    expect(row).toMatchObject({ outcome: 'enforced', outcomeAt: at(7) });
    expect(row).not.toHaveProperty('error');
    expect(row.transitions).toEqual([
      { at: at(1), outcome: 'heldBack', reason: 'blastRadius: 20 of 20', by: 'sweep' },
      { at: at(7), outcome: 'pending', by: 'manual' },
      { at: at(7), outcome: 'enforced', by: 'manual' },
    ]);
  });

  it('do not list the beginning as pending, nor the same outcome for the same reason twice', () => {
    expect(course(after(pending, ['pending'], ['audited'], ['audited']))).toEqual(['audited']);
    const held = after(pending, ['heldBack', 'blastRadius: 20 of 20'], ['heldBack', 'blastRadius: 21 of 21']);
    expect(course(held)).toEqual(['heldBack']);
    expect(course(after(held, ['heldBack', 'contested: somebody …']))).toEqual(['heldBack', 'heldBack']);
  });

  it('count tries that fail alike', () => {
    const row = after(
      pending,
      ['deferred', 'busy'],
      ['pending'],
      ['deferred', 'busy'],
      ['pending'],
      ['deferred', 'busy'],
    );
    expect(row.transitions).toEqual([
      { at: at(1), outcome: 'deferred', reason: 'busy', by: 'event', times: 3, lastAt: at(5) },
    ]);
    expect(course(after(row, ['pending'], ['enforced']))).toEqual(['deferred', 'pending', 'enforced']);
  });

  it('show when the drift of an audited row ended, and that it is there again', () => {
    const ended = withEnd(after(pending, ['audited']), at(5), 'event');
    expect(ended).toMatchObject({ outcome: 'audited', closedAt: at(5) });
    const again = withoutEnd(ended, at(6), 'sweep');
    expect(again).not.toHaveProperty('closedAt');
    expect(course(again)).toEqual(['audited', 'ended', 'audited']);
  });

  it('leave out an outcome whose write was interrupted, because a later pass may decide on another one', () => {
    const held = after(pending, ['heldBack', 'contested: somebody …']);
    const enforced = after(held, ['pending'], ['enforced']);
    const known = { open: [held], recent: [held], etags: new Map() };
    const steps = toWriteSteps([enforced], known).flat();
    expect(steps.map((row) => [row.outcome, course(row)])).toEqual([
      ['pending', ['heldBack']],
      ['enforced', ['heldBack', 'pending', 'enforced']],
    ]);
    const added = toWriteSteps([after(pending, ['audited'])], { ...known, open: [], recent: [] }).flat();
    expect(added.map((row) => [row.outcome, course(row)])).toEqual([
      ['pending', []],
      ['audited', ['audited']],
    ]);
  });

  it('tell that closed drift is there again, also when the process dies before its outcome is stored', () => {
    const healed = after(pending, ['healed']);
    const ended = withEnd(after(pending, ['audited']), at(5), 'event');
    for (const [known, again] of [
      [healed, withOutcome(healed, { outcome: 'heldBack', error: 'contested: x', at: at(9), by: 'event' })],
      [ended, withoutEnd(ended, at(9), 'event')],
    ] as const) {
      const [interrupted] = toWriteSteps([again], { open: [], recent: [known], etags: new Map() }).flat();
      if (interrupted === undefined) throw new Error('no step');
      expect(stateAt(interrupted, at(8))).toBeUndefined();
      expect(stateAt(interrupted, at(9))).toEqual({ outcome: 'pending', since: at(9), by: 'event' });
    }
  });

  it('of a row of the first format are its last outcome', () => {
    const { transitions: _, ...old } = {
      ...driftRow('d', at(0), { outcome: 'failed', error: 'refused' }),
      v: 1 as const,
    };
    const read = fromEntity(toEntity(old, old.rowKey));
    expect(read.transitions).toEqual([{ at: at(0), outcome: 'failed', reason: 'refused' }]);
    expect(course(after(read, ['enforced']))).toEqual(['failed', 'enforced']);
    expect(fromEntity(toEntity({ ...old, outcome: 'audited', closedAt: at(3) }, old.rowKey)).transitions).toMatchObject(
      [{ outcome: 'audited' }, { outcome: 'ended', at: at(3) }],
    );
  });

  it('of any course are limited, keep the first and the last, name each outcome, and come back from storage', () => {
    const change = fc.tuple(
      fc.constantFrom<Outcome>('pending', 'deferred', 'heldBack', 'failed', 'enforced', 'healed'),
      fc.option(fc.string({ maxLength: 300, unit: 'grapheme' }), { nil: undefined }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const row = after(pending, ...changes);
        const { transitions = [] } = row;
        expect(transitions.length).toBeLessThanOrEqual(40);
        expect(JSON.stringify(transitions).length).toBeLessThan(32_000);
        const begun = changes.findIndex(([outcome]) => outcome !== 'pending');
        const had = new Set(changes.slice(Math.max(0, begun)).map(([outcome]) => outcome));
        if (begun >= 0) expect(transitions[0]?.outcome).toBe(changes[begun]?.[0]);
        // A try that led to nothing new is not listed.
        had.delete('pending');
        for (const outcome of had) expect(course(row)).toContain(outcome);
        expect(fromEntity(toEntity(row, row.rowKey))).toEqual(row);
      }),
    );
  });
});
