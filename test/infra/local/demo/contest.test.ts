import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTEST_KINDS,
  type Contest,
  type ContestKind,
  contestState,
  planContest,
} from '../../../../infra/local/demo/contest.ts';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import type { InjectedDeparture } from '../../../../infra/local/demo/departures.ts';
import { seededRandom } from '../../../../infra/local/demo/random.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { policies as fixturePolicies } from '../../../support/fixture-policies.ts';
import { driftRow } from './drift-row.ts';

const device = { deviceId: 'press-0001', tags: {}, edge: false };
const policies = demoPolicies(fixturePolicies);
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function made(kind: ContestKind, seed: number): Contest {
  const contest = planContest(kind, device, policies, seededRandom(seed));
  if (contest === undefined) throw new Error(`No room for ${kind}.`);
  return contest;
}

describe('a contest', () => {
  it('undoes one and the same repair more often than Twinkeeper repairs', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CONTEST_KINDS), seeds, (kind, seed) => {
        const { turns } = made(kind, seed);
        expect(turns.length).toBeGreaterThan(5);
        const departures = turns.map((turn) => turn.departures);
        expect(departures[0]?.length).toBeGreaterThan(0);
        for (const each of departures) expect(each).toEqual(departures[0]);
      }),
    );
  });

  it('changes a property to different values where its rule forbids several', () => {
    const written = new Set(made('flappingProperty', 3).turns.map(({ steps }) => JSON.stringify(steps)));
    expect(written.size).toBeGreaterThan(1);
  });
});

describe('the state of a contest', () => {
  const departure: InjectedDeparture = { deviceId: 'a', moduleId: 'm', policy: 'p', path: 'x', kind: 'wrongValue' };
  const held = { outcome: 'heldBack', error: 'contested: somebody changed it back' } as const;
  const state = (caused: number, ...rows: readonly DriftRow[]) =>
    contestState(
      Array.from({ length: caused }, () => departure),
      rows,
    );

  it('is waiting until each departure has a row with an outcome', () => {
    expect(state(1)).toBe('waiting');
    expect(state(1, driftRow(departure, { outcome: 'pending' }))).toBe('waiting');
    expect(state(2, driftRow(departure))).toBe('waiting');
    expect(state(1, driftRow(departure, { outcome: 'heldBack', error: 'blastRadius: no room' }))).toBe('waiting');
  });

  it('is repaired when the last departure is repaired', () => {
    expect(state(2, driftRow(departure), driftRow(departure))).toBe('repaired');
  });

  it('is standing down when the last repair is held back, and counts the writes that are folded into that row', () => {
    expect(state(2, driftRow(departure), driftRow(departure, held))).toBe('standingDown');
    expect(state(4, driftRow(departure), driftRow(departure, { ...held, times: 2 }))).toBe('waiting');
    expect(state(4, driftRow(departure), driftRow(departure, { ...held, times: 3 }))).toBe('standingDown');
  });
});
