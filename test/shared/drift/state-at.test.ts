import { describe, expect, it } from 'vitest';
import {
  hadOutcomeDuring,
  type Outcome,
  stateAt,
  type Transition,
  wasOpenDuring,
} from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 10, 9, minute)).toISOString();
const step = (minute: number, outcome: Transition['outcome'], reason?: string): Transition => ({
  at: at(minute),
  outcome,
  by: 'event',
  ...(reason === undefined ? {} : { reason }),
});

const repaired = driftRow('d', at(1), {
  outcome: 'enforced',
  outcomeAt: at(9),
  transitions: [step(3, 'heldBack', 'blastRadius: wait'), step(6, 'pending'), step(9, 'enforced')],
});
const audited = driftRow('d', at(1), {
  outcome: 'audited',
  outcomeAt: at(1),
  transitions: [step(1, 'audited'), step(4, 'ended'), step(8, 'audited')],
});

describe('the state of a row at a time', () => {
  it('is the last outcome until then, and none before the detection and from the end on', () => {
    expect(stateAt(repaired, at(0))).toBeUndefined();
    expect(stateAt(repaired, at(1))).toEqual({ outcome: 'pending', since: at(1) });
    expect(stateAt(repaired, at(5))).toEqual({
      outcome: 'heldBack',
      since: at(3),
      reason: 'blastRadius: wait',
      by: 'event',
    });
    expect(stateAt(repaired, at(6))).toMatchObject({ outcome: 'pending', since: at(6) });
    expect(stateAt(repaired, at(9))).toBeUndefined();
  });

  it('is none between the end of audited drift and its return', () => {
    expect([3, 4, 7, 8, 99].map((minute) => stateAt(audited, at(minute))?.outcome)).toEqual([
      'audited',
      undefined,
      undefined,
      'audited',
      'audited',
    ]);
  });

  it('is open without an outcome for a row of the first format, which tells only the last one', () => {
    const { transitions: _, ...old } = driftRow('d', at(1), { v: 1, outcome: 'enforced', outcomeAt: at(9) });
    expect(stateAt(old, at(5))).toEqual({});
    expect(stateAt(old, at(9))).toBeUndefined();
  });
});

describe('a range', () => {
  it('has a row that was open at its start, was detected in it, or was out of line again in it', () => {
    const during = (row: typeof repaired, from: number, to: number) =>
      wasOpenDuring(row, { from: at(from), to: at(to) });
    expect(during(repaired, 0, 1)).toBe(false);
    expect(during(repaired, 0, 2)).toBe(true);
    expect(during(repaired, 8, 20)).toBe(true);
    expect(during(repaired, 9, 20)).toBe(false);
    expect(during(audited, 5, 8)).toBe(false);
    expect(during(audited, 5, 9)).toBe(true);
  });

  it('has the outcomes that the row had in it, and not those before and after', () => {
    const had = (outcome: Outcome, from: number, to: number) =>
      hadOutcomeDuring(repaired, outcome, { from: at(from), to: at(to) });
    expect([had('heldBack', 0, 3), had('heldBack', 3, 4), had('heldBack', 4, 5), had('heldBack', 6, 20)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([had('pending', 1, 2), had('pending', 3, 6), had('enforced', 0, 9), had('enforced', 8, 10)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    const { transitions: _, ...old } = driftRow('d', at(1), { v: 1, outcome: 'heldBack', outcomeAt: at(9) });
    expect(hadOutcomeDuring(old, 'heldBack', { from: at(2), to: at(3) })).toBe(true);
  });
});
