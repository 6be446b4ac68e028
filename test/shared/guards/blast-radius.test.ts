import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blastRadiusGuard,
  type OverwriteLimit,
  overwrites,
  overwritesAnHour,
} from '../../../shared/guards/blast-radius.ts';
import { departure, manualClock, memoryStore, minute, review, twin } from './guard-fixtures.ts';

const exactly = (count: number): OverwriteLimit => ({ type: 'count', count });
const share = (part: number): OverwriteLimit => ({ type: 'share', share: part });

function guardWith(limit: OverwriteLimit, room = 0, countDevices = async (): Promise<number | undefined> => undefined) {
  const memory = memoryStore(room);
  const { clock, advance } = manualClock();
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message), error: () => {} };
  const guard = blastRadiusGuard({ store: memory.store, limit, countDevices, clock, log });
  return { guard, advance, warnings, ...memory };
}

const missing = (path: string) => departure(path, { kind: 'missingProperty', actual: undefined });

describe('an overwrite', () => {
  it('is a change of a value that exists, not of a missing property or module', () => {
    const wrong = departure('a');
    const forbidden = departure('b', { kind: 'forbiddenProperty', expected: undefined, actual: false });
    const custom = departure('c', { kind: 'custom', actual: 0 });
    const found = overwrites(
      review([
        wrong,
        missing('d'),
        departure('', { kind: 'missingModule', actual: undefined }),
        forbidden,
        custom,
        departure('e', { kind: 'custom', actual: undefined }),
      ]),
    );
    expect(found.map(({ departures }) => departures)).toEqual([[wrong], [forbidden], [custom]]);
  });

  it('is also a value in place of a section, counted once for all properties of the section', () => {
    const departures = [missing('s.a'), missing('t.x'), missing('s.b.c'), missing('u.a')];
    const twins = new Map([['M', twin({ s: 'text', t: {}, u: { a: {} } })]]);
    expect(overwrites({ departures, twins })).toEqual([{ departures: [departures[0], departures[2]] }]);
  });
});

describe('the overwrites an hour for a share of the devices', () => {
  it('are rounded up, and at least 1', () => {
    expect(overwritesAnHour(0.2, 0)).toBe(1);
    expect(overwritesAnHour(0.2, 1)).toBe(1);
    expect(overwritesAnHour(0.2, 11)).toBe(3);
    expect(overwritesAnHour(3, 10)).toBe(30);
  });

  it('have no floating-point error', () => {
    expect(0.07 * 100).toBeGreaterThan(7);
    expect(overwritesAnHour(0.07, 100)).toBe(7);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1_000_000 }), (percent, devices) => {
        const expected = Number((BigInt(percent) * BigInt(devices) + 99n) / 100n);
        expect(overwritesAnHour(percent / 100, devices)).toBe(expected);
      }),
    );
  });
});

describe('the blast radius', () => {
  it('allows the overwrites that were granted, and all additions', async () => {
    const { guard, reservations } = guardWith(exactly(10), 2);
    const departures = [departure('a'), missing('b'), departure('c'), departure('d'), departure('e')];
    const held = await guard.review(review(departures));
    expect([...held.keys()]).toEqual([departures[3], departures[4]]);
    expect([...held.values()].every((reason) => reason.startsWith('blastRadius: '))).toBe(true);
    expect(reservations).toEqual([{ policy: 'p', count: 4, limit: 10 }]);
  });

  it('holds back all properties of a section whose place is taken by a value', async () => {
    const { guard } = guardWith(exactly(10), 0);
    const departures = [missing('s.a'), missing('s.b'), missing('t')];
    const held = await guard.review(review(departures, { twins: new Map([['M', twin({ s: 5 })]]) }));
    expect([...held.keys()]).toEqual([departures[0], departures[1]]);
  });

  it('does not call storage when nothing is overwritten', async () => {
    const { guard, state, reservations } = guardWith(share(0.2));
    state.broken = true;
    expect(await guard.review(review([missing('a')]))).toEqual(new Map());
    expect(reservations).toEqual([]);
  });

  it('is counted by policy', async () => {
    const { guard, reservations } = guardWith(exactly(10), 3);
    await guard.review(review([departure('a'), departure('b', { policy: 'q' }), departure('c')]));
    expect(reservations).toEqual([
      { policy: 'p', count: 2, limit: 10 },
      { policy: 'q', count: 1, limit: 10 },
    ]);
  });

  it('gives the same reason each time, and logs the limit once until there is room again', async () => {
    const { guard, state, warnings } = guardWith(exactly(10), 0);
    const wrong = departure('a');
    const first = await guard.review(review([wrong]));
    const second = await guard.review(review([wrong]));
    expect(second.get(wrong)).toBe(first.get(wrong));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('twinkeeper release p');
    state.room = 1;
    expect((await guard.review(review([wrong]))).size).toBe(0);
    await guard.review(review([wrong]));
    expect(warnings).toHaveLength(2);
  });

  it('throws when storage does not answer', async () => {
    const { guard, state } = guardWith(exactly(10), 5);
    state.broken = true;
    await expect(guard.review(review([departure('a')]))).rejects.toThrow('storage does not answer');
  });
});

describe('a limit that is a share of the devices', () => {
  it('uses the stored device count, and reads it again after a minute', async () => {
    const { guard, state, reservations, reads, advance } = guardWith(share(0.2), 99, async () => {
      throw new Error('The hub must not be called.');
    });
    state.devices = 50;
    await guard.review(review([departure('a')]));
    state.devices = 100;
    await guard.review(review([departure('a')]));
    expect(reads.deviceCount).toBe(1);
    advance(minute);
    await guard.review(review([departure('a')]));
    expect(reservations.map(({ limit }) => limit)).toEqual([10, 10, 20]);
  });

  it('uses the device count of the hub before the first sweep, and reads it at most every 15 minutes', async () => {
    let calls = 0;
    const { guard, reservations, advance } = guardWith(share(0.2), 99, async () => ++calls * 100);
    await Promise.all([1, 2, 3].map(() => guard.review(review([departure('a')]))));
    advance(15 * minute - 1);
    await guard.review(review([departure('a', { policy: 'q' })]));
    expect(calls).toBe(1);
    advance(1);
    await guard.review(review([departure('a')]));
    expect(calls).toBe(2);
    expect(reservations.map(({ limit }) => limit)).toEqual([20, 20, 20, 20, 40]);
  });

  it.each([
    ['does not know the count', async () => undefined],
    ['fails', async () => Promise.reject(new Error('503'))],
  ])('holds all overwrites back when the hub %s, with the reason', async (_, countDevices) => {
    let calls = 0;
    const { guard, advance, reservations } = guardWith(share(0.2), 0, () => {
      calls++;
      return countDevices();
    });
    const wrong = departure('a');
    const held = await guard.review(review([wrong]));
    expect(held.get(wrong)).toMatch(/^blastRadius: .*count/);
    advance(10 * minute);
    await guard.review(review([wrong]));
    expect(calls).toBe(1);
    // The guard reserves overwrites with the limit 0, so only a release of the policy allows overwrites.
    expect(reservations.every(({ limit }) => limit === 0)).toBe(true);
  });

  it('throws when the stored count cannot be read, and reads it again next time', async () => {
    const { guard, state, reservations } = guardWith(share(0.5), 99, async () => 1);
    state.broken = true;
    await expect(guard.review(review([departure('a')]))).rejects.toThrow('storage does not answer');
    state.broken = false;
    state.devices = 8;
    await guard.review(review([departure('a')]));
    expect(reservations.map(({ limit }) => limit)).toEqual([4]);
  });
});
