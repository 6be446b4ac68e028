import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../../infra/local/azurite.ts';
import { createSweepStore, type SweepClaim, type SweepRow } from '../../../../shared/sweep/store/index.ts';
import { leadTime } from '../../../../shared/sweep/store/sweep-store.ts';

let azurite: Awaited<ReturnType<typeof startAzurite>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

let time = Date.parse('2026-02-03T04:05:06Z');
/** Another instance of the app, with its own client and its own memory. */
const open = () => createSweepStore(azurite.endpoints, () => new Date(time));
const pass = (milliseconds: number) => {
  time += milliseconds;
};
const table = () =>
  TableClient.fromConnectionString(azurite.endpoints.connectionString, 'TwinkeeperSweeps', {
    allowInsecureConnection: true,
  });
beforeEach(async () => {
  pass(1000);
  await table().deleteTable();
});

const tally = { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 };

async function begin(store = open()): Promise<SweepClaim> {
  const claim = await store.claim({ trigger: 'timer' });
  if (claim === undefined) throw new Error('the lead is taken');
  return claim;
}

const over = (row: SweepRow): SweepRow => ({ ...row, state: 'done', endedAt: new Date(time).toISOString() });

describe('the lead of a sweep', () => {
  it('goes to one of many that ask for it at the same time', async () => {
    const stores = Array.from({ length: 12 }, open);
    // All of their clients are open by then, so that it is a race.
    await Promise.all(stores.map((store) => store.list(1)));
    const claims = (await Promise.all(stores.map((store) => store.claim({ trigger: 'timer' })))).filter(Boolean);
    expect(claims).toHaveLength(1);
    expect(await open().list(10)).toMatchObject([{ id: claims[0]?.id, state: 'running', resumed: 0 }]);
  });

  it('goes to one of many also when it was let go in the middle of a sweep', async () => {
    const first = open();
    const claim = await begin(first);
    await first.leave(claim, { step: 3 }, claim.row);
    const stores = Array.from({ length: 12 }, open);
    await Promise.all(stores.map((store) => store.list(1)));
    const claims = (await Promise.all(stores.map((store) => store.claim({ trigger: 'timer' })))).filter(Boolean);
    expect(claims).toMatchObject([{ id: claim.id, resumed: true, place: { step: 3 } }]);
    expect(await open().get(claim.id)).toMatchObject({ resumed: 1 });
  });

  it('is free again when it was not kept for its time, and no sooner', async () => {
    const claim = await begin();
    pass(leadTime - 1);
    expect(await open().claim({ trigger: 'manual' })).toBeUndefined();
    pass(1);
    expect(await open().claim({ trigger: 'manual' })).toMatchObject({ id: claim.id, resumed: true });
    // The new holder has all of its time.
    pass(leadTime - 1);
    expect(await open().claim({ trigger: 'timer' })).toBeUndefined();
  });

  it('is held for longer each time that it is kept', async () => {
    const store = open();
    const claim = await begin(store);
    for (let step = 0; step < 3; step++) {
      pass(leadTime - 1);
      expect(await store.keep(claim, { step }, claim.row)).toBe('kept');
    }
    pass(leadTime - 1);
    expect(await open().claim({ trigger: 'timer' })).toBeUndefined();
  });

  it.each(['keep', 'leave'] as const)(
    'that somebody else has taken is no more: %s says so and changes nothing',
    async (way) => {
      const slow = open();
      const claim = await begin(slow);
      await slow.keep(claim, { step: 1 }, claim.row);
      pass(leadTime);
      const quick = open();
      const taken = await begin(quick);
      const row = { ...taken.row, parts: 7 };
      expect(await quick.keep(taken, { step: 5 }, row)).toBe('kept');

      expect(await slow[way](claim, { step: 2 }, over({ ...claim.row, parts: 2 }))).toBe('lost');
      expect(await slow[way](claim, { step: 2 }, over({ ...claim.row, parts: 2 }))).toBe('lost');
      expect(await open().get(claim.id)).toMatchObject({ state: 'running', parts: 7, resumed: 1 });
      pass(leadTime);
      expect(await begin()).toMatchObject({ id: claim.id, place: { step: 5 }, row: { parts: 7, resumed: 2 } });
    },
  );

  it('is not for one that never claimed it', async () => {
    const claim = await begin();
    expect(await open().keep(claim, {}, claim.row)).toBe('lost');
  });

  it('is given up at the end, so that the next claim begins a new sweep at once', async () => {
    const store = open();
    const claim = await begin(store);
    expect(await store.leave(claim, { step: 9 }, over(claim.row))).toBe('kept');
    const next = await begin();
    expect(next).toMatchObject({ resumed: false, place: undefined, row: { resumed: 0, state: 'running' } });
    expect(next.id).not.toBe(claim.id);
    expect(await store.leave(claim, {}, over(claim.row))).toBe('lost');
  });

  it('of one certain sweep goes to who wants to go on with just that', async () => {
    const store = open();
    expect(await store.claim({ trigger: 'timer', only: 'none' })).toBeUndefined();
    const claim = await begin(store);
    const only = claim.id;
    expect(await open().claim({ trigger: 'timer', only })).toBeUndefined();
    await store.leave(claim, { step: 1 }, claim.row);
    expect(await open().claim({ trigger: 'timer', only: 'another' })).toBeUndefined();
    const again = open();
    const resumed = await again.claim({ trigger: 'timer', only });
    expect(resumed).toMatchObject({ id: only, place: { step: 1 } });
    if (resumed === undefined) return;
    await again.leave(resumed, {}, over(resumed.row));
    expect(await open().claim({ trigger: 'timer', only })).toBeUndefined();
  });
});

describe('a sweep that is gone on with', () => {
  it('has its place and its row as they were last kept', async () => {
    const store = open();
    const claim = await begin(store);
    const place = { step: 4, continuation: 'x', pending: ['a', "b's"], search: { among: 'devices' } };
    const row: SweepRow = { ...claim.row, examined: 5, hubCalls: 6, parts: 2, competing: ['one'], walked: ['two'] };
    await store.keep(claim, place, row);
    pass(leadTime);
    expect(await begin()).toEqual({ id: claim.id, place, row: { ...row, resumed: 1 }, resumed: true });
  });

  it('keeps who woke it and when it was begun', async () => {
    const { id, row } = await begin();
    pass(leadTime);
    const resumed = await open().claim({ trigger: 'manual' });
    expect(resumed).toMatchObject({ id, row: { trigger: 'timer', startedAt: row.startedAt } });
  });

  it('may have a place and a row that are more than one cell of a table holds', async () => {
    const store = open();
    const claim = await begin(store);
    const place = { pending: Array.from({ length: 99 }, (_, index) => `${index}`.padEnd(128, 'x')) };
    const sentences = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(400, 'x'));
    const row = { ...claim.row, competing: sentences, walked: sentences };
    expect(await store.keep(claim, place, row)).toBe('kept');
    expect(await open().get(claim.id)).toEqual(row);
    // And what it was before is not left over where it is shorter again.
    expect(await store.keep(claim, {}, claim.row)).toBe('kept');
    expect(await open().get(claim.id)).toEqual(claim.row);
    pass(leadTime);
    expect(await begin()).toMatchObject({ place: {}, row: { competing: [] } });
  });

  it('is on record as it ended also where its instance died between giving up the lead and writing the row', async () => {
    const store = open();
    const claim = await begin(store);
    const row = over(claim.row);
    await store.leave(claim, {}, row);
    // What is on record when it dies there.
    await table().upsertEntity({ partitionKey: 'sweeps', rowKey: claim.id, state: 'running' }, 'Merge');
    pass(1000);
    await begin();
    expect(await open().get(claim.id)).toEqual(row);
  });
});

describe('the row of a sweep', () => {
  it('adds up what its parts came to', async () => {
    const store = open();
    const claim = await begin(store);
    await store.keep(claim, {}, { ...claim.row, parts: 3, examined: 100, hubCalls: 7 });
    await store.addPart(claim.id, '1-0', tally);
    await store.addPart(claim.id, '1-1', tally);
    await store.addPart('another', '1-2', tally);
    const sums = { examined: 120, found: 8, changed: 6, hubCalls: 31, deferred: 2, parts: 3, partsDone: 2 };
    expect(await open().get(claim.id)).toMatchObject(sums);
    expect(await open().list(1)).toMatchObject([sums]);
    // Parts may be done long after the sweep has ended.
    await store.leave(claim, {}, over({ ...claim.row, parts: 3 }));
    await store.addPart(claim.id, '1-2', tally);
    expect(await open().get(claim.id)).toMatchObject({ state: 'done', changed: 9, partsDone: 3 });
  });

  it('counts a part that is delivered again once, by the larger numbers', async () => {
    const store = open();
    const claim = await begin(store);
    await store.addPart(claim.id, '1-0', tally);
    await store.addPart(claim.id, '1-0', { examined: 10, found: 0, changed: 0, hubCalls: 13, deferred: 0 });
    expect(await open().get(claim.id)).toMatchObject({ ...tally, hubCalls: 13, partsDone: 1 });
  });

  it('counts the work on what a part had to put off, and the part itself once', async () => {
    const store = open();
    const claim = await begin(store);
    await store.addPart(claim.id, '1-0', tally);
    await store.addPart(claim.id, '1-0.1', { ...tally, examined: 0, found: 0, deferred: 0 });
    await store.addPart(claim.id, '1-0.2', { ...tally, examined: 0, found: 0, deferred: 0 });
    const sums = { ...tally, changed: 9, hubCalls: 36, partsDone: 1 };
    expect(await open().get(claim.id)).toMatchObject(sums);
  });

  it('comes with those of other sweeps, newest first and as many as are wanted', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      pass(count === 2 ? 1 : 86_400_000);
      const store = open();
      const claim = await begin(store);
      await store.leave(claim, {}, over(claim.row));
      ids.unshift(claim.id);
    }
    expect((await open().list(10)).map((row) => row.id)).toEqual(ids);
    expect((await open().list(2)).map((row) => row.id)).toEqual(ids.slice(0, 2));
    expect((await open().list(2, ids[1])).map((row) => row.id)).toEqual(ids.slice(2));
    expect((await open().list(1, ids[0])).map((row) => row.id)).toEqual(ids.slice(1, 2));
    expect(await open().list(2, ids[3])).toEqual([]);
    expect(await open().list(10)).toEqual(
      (await open().list(10)).toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1)),
    );
  });

  it('is none where there was no sweep', async () => {
    expect(await open().list(5)).toEqual([]);
    expect(await open().get('none')).toBeUndefined();
  });
});

describe('bytes that a sweep must not lose', () => {
  const bytesOf = (length: number, seed = 1) =>
    Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * seed + seed) & 0xff);

  it.each([0, 1, 60_000, 60_001, 840_000, 2_500_003])('come back when they are %d', async (length) => {
    const bytes = bytesOf(length);
    await open().saveBytes('sweep', 'present-4', bytes);
    const loaded = await open().loadBytes('sweep', 'present-4');
    expect(loaded).toHaveLength(length);
    expect(Buffer.compare(Buffer.from(loaded ?? []), bytes)).toBe(0);
  });

  it('are none where none were saved', async () => {
    await open().saveBytes('sweep', 'present-4', bytesOf(10));
    expect(await open().loadBytes('sweep', 'present-40')).toBeUndefined();
    expect(await open().loadBytes('sweep', 'present')).toBeUndefined();
    expect(await open().loadBytes('another', 'present-4')).toBeUndefined();
  });

  it('are those that were saved last, also where they were more before', async () => {
    const store = open();
    for (const length of [900_000, 1_800_000, 100]) {
      await store.saveBytes('sweep', 'set', bytesOf(length, length));
      const loaded = await open().loadBytes('sweep', 'set');
      expect(Buffer.compare(Buffer.from(loaded ?? []), bytesOf(length, length))).toBe(0);
    }
  });

  it('are not a mixture when the process died while they were saved', async () => {
    await open().saveBytes('sweep', 'set', bytesOf(1_800_000, 2));
    const first = await table().getEntity('bytes!sweep', 'set!0000');
    await open().saveBytes('sweep', 'set', bytesOf(1_800_000, 1));
    await table().updateEntity(first as never, 'Replace');
    expect(await open().loadBytes('sweep', 'set')).toBeUndefined();
  });

  it('are removed when the sweep is over, and not before', async () => {
    const store = open();
    const claim = await begin(store);
    await store.saveBytes(claim.id, 'set', bytesOf(2_000_000));
    await store.leave(claim, {}, claim.row);
    const again = open();
    const resumed = await begin(again);
    expect(await again.loadBytes(claim.id, 'set')).toHaveLength(2_000_000);
    await again.leave(resumed, {}, over(resumed.row));
    expect(await open().loadBytes(claim.id, 'set')).toBeUndefined();
  });
});

describe('what the last walk saw', () => {
  it('is remembered by its name', async () => {
    const note = { at: '2026-02-03T04:05:06.000Z', text: '[10,9,10]' };
    expect(await open().recallMemo('agents')).toBeUndefined();
    await open().keepMemo('agents', note);
    expect(await open().recallMemo('agents')).toEqual(note);
    expect(await open().recallMemo('others')).toBeUndefined();
    await open().keepMemo('agents', { ...note, text: '[10,10,10]' });
    expect(await open().recallMemo('agents')).toEqual({ ...note, text: '[10,10,10]' });
  });
});
