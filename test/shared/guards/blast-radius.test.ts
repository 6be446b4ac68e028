import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Departure } from '../../../shared/drift/index.ts';
import {
  type BlastRadius,
  blastRadiusGuard,
  overwrittenTwins,
  twinsAnHour,
} from '../../../shared/guards/blast-radius.ts';
import { departure, manualClock, memoryStore, minute, review, twin } from './guard-fixtures.ts';

const exactly = (count: number): BlastRadius => ({ type: 'count', count });
const share = (part: number): BlastRadius => ({ type: 'share', share: part });

function guardWith(limit: BlastRadius, room = 0, countDevices = async (): Promise<number | undefined> => undefined) {
  const memory = memoryStore(room);
  const { clock, advance } = manualClock();
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message), error: () => {} };
  const guard = blastRadiusGuard({ store: memory.store, limit, countDevices, clock, log });
  return { guard, advance, warnings, ...memory };
}

const missing = (path: string) => departure(path, { kind: 'missingProperty', actual: undefined });

describe('a twin in which something is overwritten', () => {
  const isOverwritten = (...departures: Departure[]) =>
    overwrittenTwins(review(departures, { twins: new Map([['M', twin({ s: 'text', t: {}, u: { a: {} } })]]) })).length >
    0;

  it('has a value that the repair changes or removes', () => {
    expect(isOverwritten(departure('a'))).toBe(true);
    expect(isOverwritten(departure('b', { kind: 'forbiddenProperty', expected: undefined, actual: false }))).toBe(true);
    expect(isOverwritten(departure('c', { kind: 'custom', actual: 0 }))).toBe(true);
    expect(isOverwritten(departure('o', { expected: { a: 1 }, actual: { a: 1, b: 2 } }))).toBe(true);
    expect(isOverwritten(departure('o', { expected: { a: { b: 1 } }, actual: { a: { b: 2 } } }))).toBe(true);
  });

  it('is not a twin to which the repair only adds values, nor a new module', () => {
    expect(isOverwritten(missing('d'))).toBe(false);
    expect(isOverwritten(missing('t.x'), missing('u.b'))).toBe(false);
    expect(isOverwritten(departure('', { kind: 'missingModule', expected: { a: 1 }, actual: undefined }))).toBe(false);
    expect(isOverwritten(departure('e', { kind: 'custom', actual: undefined }))).toBe(false);
    expect(isOverwritten(departure('o', { expected: { a: 1, b: { c: 2 } }, actual: { b: {} } }))).toBe(false);
  });

  it('has a value in the place of a section', () => {
    expect(isOverwritten(missing('s.a'))).toBe(true);
    expect(isOverwritten(missing('u.a.b'))).toBe(false);
  });

  it('names each policy once, in order', () => {
    const departures = [departure('a', { policy: 'q' }), departure('b'), departure('c'), missing('d')];
    expect(overwrittenTwins(review(departures))).toEqual([
      { twin: { deviceId: 'device', moduleId: 'M' }, policies: ['p', 'q'] },
    ]);
  });
});

describe('the twins an hour for a share of the devices', () => {
  it('are rounded up, and at least 1', () => {
    expect(twinsAnHour(0.2, 0)).toBe(1);
    expect(twinsAnHour(0.2, 1)).toBe(1);
    expect(twinsAnHour(0.2, 11)).toBe(3);
    expect(twinsAnHour(3, 10)).toBe(30);
  });

  it('have no floating-point error', () => {
    expect(0.07 * 100).toBeGreaterThan(7);
    expect(twinsAnHour(0.07, 100)).toBe(7);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1_000_000 }), (percent, devices) => {
        const expected = Number((BigInt(percent) * BigInt(devices) + 99n) / 100n);
        expect(twinsAnHour(percent / 100, devices)).toBe(expected);
      }),
    );
  });
});

describe('the blast radius', () => {
  const theTwin = { deviceId: 'device', moduleId: 'M' };

  it('counts a twin once for all its wrong values', async () => {
    const { guard, reservations } = guardWith(exactly(10), 1);
    expect((await guard.review(review([departure('a'), missing('b'), departure('c')]))).size).toBe(0);
    expect(reservations).toEqual([{ policy: 'p', twin: theTwin, limit: 10 }]);
  });

  it('holds all repairs of a twin back when there is no room for the twin', async () => {
    const { guard } = guardWith(exactly(10), 0);
    const departures = [departure('a'), missing('b'), departure('c')];
    const held = await guard.review(review(departures));
    expect([...held.keys()]).toEqual(departures);
    expect([...held.values()].every((reason) => reason.startsWith('blastRadius: '))).toBe(true);
  });

  it('holds each twin of a device back on its own', async () => {
    const { guard } = guardWith(exactly(10), 1);
    const inM = [departure('a'), departure('b')];
    const inN = [departure('a', { moduleId: 'N' }), departure('b', { moduleId: 'N' })];
    const held = await guard.review(review([...inM, ...inN]));
    expect([...held.keys()]).toEqual(inN);
  });

  it('does not call storage when nothing is overwritten', async () => {
    const { guard, state, reservations } = guardWith(share(0.2));
    state.broken = true;
    expect(await guard.review(review([missing('a')]))).toEqual(new Map());
    expect(reservations).toEqual([]);
  });

  describe('with several policies for one twin', () => {
    const departures = [
      departure('a'),
      departure('b', { policy: 'q' }),
      departure('c', { ...missing('c'), policy: 'r' }),
    ];

    it('counts the twin for each policy that overwrites something', async () => {
      const { guard, reservations } = guardWith(exactly(10), 3);
      expect((await guard.review(review(departures))).size).toBe(0);
      expect(reservations).toEqual([
        { policy: 'p', twin: theTwin, limit: 10 },
        { policy: 'q', twin: theTwin, limit: 10 },
      ]);
    });

    it('leaves the whole twin as it is when one policy has no room, and takes no place in the other', async () => {
      const { guard, state, reservations, warnings } = guardWith(exactly(10), 3);
      state.roomOf.set('q', 0);
      const held = await guard.review(review(departures));
      expect([...held.keys()]).toEqual(departures);
      for (const reason of held.values()) expect(reason).toContain('twinkeeper release q');
      expect(reservations).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining('Policy q')]);
    });
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
  ])('leaves all twins as they are when the hub %s, with the reason', async (_, countDevices) => {
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
    // The guard reserves twins with the limit 0, so only a release of the policy allows a change.
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
