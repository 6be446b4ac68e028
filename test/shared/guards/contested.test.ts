import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DriftRow, lastContestedTime } from '../../../shared/drift/index.ts';
import { contestedGuard } from '../../../shared/guards/contested.ts';
import { departure, manualClock, memoryStore, minute, review, row } from './guard-fixtures.ts';

const start = Date.UTC(2026, 0, 1);
const seconds = (count: number) => start + count * 1000;

/** History rows of a property that Twinkeeper enforced at these times, in milliseconds since 1970. */
const enforcedAt = (times: readonly number[], of = departure('a')): DriftRow[] =>
  times.map((at, index) => row({ ...of, write: { ...of.write, version: index + 1 } }, 'enforced', at));

function guardAt(time: number) {
  const memory = memoryStore();
  const { clock, advance } = manualClock(time);
  return { guard: contestedGuard({ store: memory.store, clock }), advance, ...memory };
}

const contestTimes = [0, 60, 120, 180, 600].map(seconds);
const wrong = departure('a', { write: { version: 9, at: new Date(seconds(601)).toISOString(), exact: true } });

describe('a property that was enforced five times within ten minutes', () => {
  it('is left alone for an hour after the fifth time, with the same reason each time', async () => {
    const { guard, advance } = guardAt(seconds(601));
    const reasons: (string | undefined)[] = [];
    const rows = enforcedAt(contestTimes);
    reasons.push((await guard.review(review([wrong], { rows }))).get(wrong));
    advance(59 * minute);
    // Rows with the outcome `heldBack` or `healed` do not extend the hour in which repairs are held back.
    const later = [...rows, row(wrong, 'heldBack', seconds(602)), row(wrong, 'healed', seconds(900))];
    reasons.push((await guard.review(review([wrong], { rows: later }))).get(wrong));
    expect(reasons[0]).toMatch(/^contested: .*2026-01-01T01:10:00.000Z/);
    expect(reasons[1]).toBe(reasons[0]);
    advance(59_000);
    expect((await guard.review(review([wrong], { rows: later }))).size).toBe(0);
  });

  it.each([
    ['only four times', contestTimes.slice(1)],
    ['five times in more than ten minutes', [0, 60, 120, 180, 600.001].map(seconds)],
  ])('is not confused with one that was enforced %s', async (_, times) => {
    const { guard, reads } = guardAt(seconds(601));
    expect((await guard.review(review([wrong], { rows: enforcedAt(times) }))).size).toBe(0);
    expect(reads.releasedAt).toBe(0);
  });

  it('is contested whatever the kind of its departures', async () => {
    const { guard } = guardAt(seconds(601));
    const removed = departure('a', { kind: 'missingProperty', actual: undefined });
    const rows = [...enforcedAt(contestTimes.slice(0, 2)), ...enforcedAt(contestTimes.slice(2), removed)];
    const forbidden = departure('a', { kind: 'forbiddenProperty' });
    expect((await guard.review(review([forbidden], { rows }))).size).toBe(1);
  });

  it.each([
    ['another property', departure('b')],
    ['another policy', departure('a', { policy: 'q' })],
    ['another module', departure('a', { moduleId: 'N' })],
  ])('does not affect %s', async (_, other) => {
    const { guard } = guardAt(seconds(601));
    expect((await guard.review(review([other], { rows: enforcedAt(contestTimes) }))).size).toBe(0);
  });

  it('is not contested when the rows have other outcomes', async () => {
    const { guard } = guardAt(seconds(601));
    for (const outcome of ['healed', 'superseded', 'heldBack', 'failed', 'audited', 'pending', 'deferred'] as const) {
      const rows = enforcedAt(contestTimes).map((each) => ({ ...each, outcome }));
      expect((await guard.review(review([wrong], { rows }))).size).toBe(0);
    }
  });

  it('is enforced again after its policy is released, until it is contested again', async () => {
    const { guard, state, advance } = guardAt(seconds(700));
    state.released = new Date(seconds(650));
    const rows = enforcedAt(contestTimes);
    expect((await guard.review(review([wrong], { rows }))).size).toBe(0);
    advance(10 * minute);
    const again = [...rows, ...enforcedAt([660, 670, 680, 690, 695].map(seconds))];
    expect((await guard.review(review([wrong], { rows: again }))).get(wrong)).toContain('T01:11:35.000Z');
  });

  it('makes the guard throw when storage does not answer', async () => {
    const { guard, state } = guardAt(seconds(700));
    state.broken = true;
    await expect(guard.review(review([wrong], { rows: enforcedAt(contestTimes) }))).rejects.toThrow(
      'storage does not answer',
    );
  });
});

describe('the last contested time', () => {
  it('is the same as in a search over all times', () => {
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
