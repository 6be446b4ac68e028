import { beforeEach, describe, expect, it } from 'vitest';
import type { EventFault } from '../../../shared/events/index.ts';
import { createDeadLetterList, createDeadLetters, type UnusableEvent } from '../../../shared/retry/index.ts';
import { rawEvent } from '../../support/arbitraries.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

const hour = 3_600_000;
const minute = 60_000;
const start = Date.UTC(2026, 0, 1, 10);

let azurite: TestStorage;
let now = start;
beforeEach(async () => {
  azurite = await newStorageAccount();
  now = start;
});

/** The dead letters, as a new instance of the app opens them. */
const instance = () => createDeadLetters(azurite.endpoints, () => new Date(now));
const list = () => createDeadLetterList(azurite.endpoints);
const stored = async () => (await collect(instance().list())).length;

let events = 0;
function unusable(count: number, fault: EventFault = 'badBody'): readonly UnusableEvent[] {
  return Array.from({ length: count }, () => {
    const reason = `reason ${++events}`;
    return { event: rawEvent('updateTwin', reason, 'd'), fault, reason, deviceId: 'd' };
  });
}

describe('unusable events', () => {
  it('are stored whole up to 100 of a fault in an hour, and then counted with the first and the last time', async () => {
    expect(await instance().putUnusable(unusable(60))).toBe(60);
    now += minute;
    expect(await instance().putUnusable(unusable(60))).toBe(40);
    expect(await instance().putUnusable(unusable(3, 'invalidId'))).toBe(3);
    now += minute;
    const last = unusable(500);
    expect(await instance().putUnusable(last)).toBe(0);
    expect(await stored()).toBe(103);
    expect(await list().counts(10)).toEqual([
      {
        fault: 'badBody',
        hour: '2026-01-01T10:00:00.000Z',
        count: 520,
        firstAt: '2026-01-01T10:01:00.000Z',
        lastAt: '2026-01-01T10:02:00.000Z',
        reason: last.at(-1)?.reason,
      },
    ]);
  });

  it('are stored again in the next hour', async () => {
    await instance().putUnusable(unusable(101));
    now += hour;
    expect(await instance().putUnusable(unusable(102))).toBe(100);
    expect((await list().counts(10)).map(({ hour: of, count }) => [of, count])).toEqual([
      ['2026-01-01T11:00:00.000Z', 2],
      ['2026-01-01T10:00:00.000Z', 1],
    ]);
    expect(await list().counts(1)).toHaveLength(1);
  });

  it('are limited over several instances of the app', async () => {
    const kept = await Promise.all(Array.from({ length: 4 }, () => instance().putUnusable(unusable(40))));
    expect(kept.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(await list().counts(10)).toMatchObject([{ count: 60 }]);
    expect(await stored()).toBe(100);
  });

  it('do not limit other dead letters', async () => {
    await instance().putUnusable(unusable(100));
    now += minute;
    await instance().put({ deviceId: 'd', reason: 'given up after 10 tries', state: 'dead', event: {} });
    expect((await list().page(1))[0]?.reason).toBe('given up after 10 tries');
    expect(await list().counts(10)).toEqual([]);
  });

  it('leave counts, which are removed when they are old', async () => {
    for (const fault of ['badBody', 'invalidId'] as const) await instance().putUnusable(unusable(101, fault));
    now += 5 * hour;
    await instance().putUnusable(unusable(101));
    expect(await instance().removeBefore(new Date(now - hour), () => false)).toEqual({ isUnfinished: true });
    expect(await instance().removeBefore(new Date(now - hour), () => true)).toEqual({ isUnfinished: false });
    expect(await list().counts(10)).toMatchObject([{ hour: '2026-01-01T15:00:00.000Z' }]);
  });
});
