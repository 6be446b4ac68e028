import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { contestedGuard, lastContestedTime } from '../../../shared/guards/contested.ts';
import { departure, manualClock, memoryStore, minute, review, row } from './guard-fixtures.ts';

const start = Date.UTC(2026, 0, 1);
const seconds = (count: number) => start + count * 1000;

/** The history of a property that was set back at these times. */
const setBack = (times: readonly number[], of = departure('a')): DriftRow[] =>
  times.map((at, index) => row({ ...of, write: { ...of.write, version: index + 1 } }, 'enforced', at));

function guardAt(time: number) {
  const memory = memoryStore();
  const { clock, advance: pass } = manualClock(time);
  return { guard: contestedGuard({ store: memory.store, clock }), pass, ...memory };
}

const fight = [0, 60, 120, 180, 600].map(seconds);
const wrong = departure('a', { write: { version: 9, at: new Date(seconds(601)).toISOString(), exact: true } });

describe('a property that was set back five times within ten minutes', () => {
  it('is left alone for an hour after the fifth time, with one and the same reason, and tried again then', async () => {
    const { guard, pass } = guardAt(seconds(601));
    const reasons: (string | undefined)[] = [];
    const rows = setBack(fight);
    reasons.push((await guard.review(review([wrong], { rows }))).get(wrong));
    pass(59 * minute);
    // What was held back meanwhile prolongs nothing.
    const later = [...rows, row(wrong, 'heldBack', seconds(602)), row(wrong, 'healed', seconds(900))];
    reasons.push((await guard.review(review([wrong], { rows: later }))).get(wrong));
    expect(reasons[0]).toMatch(/^contested: .*2026-01-01T01:10:00.000Z/);
    expect(reasons[1]).toBe(reasons[0]);
    pass(59_000);
    expect((await guard.review(review([wrong], { rows: later }))).size).toBe(0);
  });

  it.each([
    ['four times', fight.slice(1)],
    ['five times in more than ten minutes', [0, 60, 120, 180, 600.001].map(seconds)],
  ])('is another matter than one that was set back %s', async (_, times) => {
    const { guard, reads } = guardAt(seconds(601));
    expect((await guard.review(review([wrong], { rows: setBack(times) }))).size).toBe(0);
    expect(reads.releasedAt).toBe(0);
  });

  it('is contested whatever was wrong with it each time', async () => {
    const { guard } = guardAt(seconds(601));
    const removed = departure('a', { kind: 'missingProperty', actual: undefined });
    const rows = [...setBack(fight.slice(0, 2)), ...setBack(fight.slice(2), removed)];
    const forbidden = departure('a', { kind: 'forbiddenProperty' });
    expect((await guard.review(review([forbidden], { rows }))).size).toBe(1);
  });

  it.each([
    ['another property', departure('b')],
    ['another policy', departure('a', { policy: 'q' })],
    ['another module', departure('a', { moduleId: 'N' })],
  ])('has nothing to do with %s', async (_, other) => {
    const { guard } = guardAt(seconds(601));
    expect((await guard.review(review([other], { rows: setBack(fight) }))).size).toBe(0);
  });

  it('is not one that was dealt with otherwise', async () => {
    const { guard } = guardAt(seconds(601));
    for (const outcome of ['healed', 'heldBack', 'failed', 'audited', 'pending', 'deferred'] as const) {
      const rows = setBack(fight).map((each) => ({ ...each, outcome }));
      expect((await guard.review(review([wrong], { rows }))).size).toBe(0);
    }
  });

  it('is fought for again once its policy is released, until it is contested again', async () => {
    const { guard, state, pass } = guardAt(seconds(700));
    state.released = new Date(seconds(650));
    const rows = setBack(fight);
    expect((await guard.review(review([wrong], { rows }))).size).toBe(0);
    pass(10 * minute);
    const again = [...rows, ...setBack([660, 670, 680, 690, 695].map(seconds))];
    expect((await guard.review(review([wrong], { rows: again }))).get(wrong)).toContain('T01:11:35.000Z');
  });

  it('cannot be judged where storage does not say whether it was released', async () => {
    const { guard, state } = guardAt(seconds(700));
    state.broken = true;
    await expect(guard.review(review([wrong], { rows: setBack(fight) }))).rejects.toThrow('storage does not answer');
  });
});

describe('the last of five times within ten minutes', () => {
  it('is found as by trying every five of them', () => {
    const times = fc
      .array(fc.integer({ min: 0, max: 30 * minute }), { maxLength: 14 })
      .map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(times, (all) => {
        const ends = all.filter((end) => all.filter((time) => time <= end && time >= end - 10 * minute).length >= 5);
        expect(lastContestedTime(all)).toBe(ends.at(-1));
      }),
    );
  });
});
