import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';
import { StoreWorld } from './store-world.ts';

let azurite: TestStorage;
let world: StoreWorld;
beforeAll(async () => {
  azurite = await newStorageAccount();
  world = new StoreWorld(azurite.endpoints);
});
beforeEach(async () => {
  world.pass(1000);
  await world.table.deleteTable();
});

const counts = { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 };

describe('the row of a sweep', () => {
  it('adds up the counts of its work items', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    await store.renew(claim, {}, { ...claim.row, parts: 3, examined: 100, hubCalls: 7 });
    await store.recordWorkItem(claim.id, '1-0', counts);
    await store.recordWorkItem(claim.id, '1-1', counts);
    await store.recordWorkItem('another', '1-2', counts);
    const sums = { examined: 120, found: 8, changed: 6, hubCalls: 31, deferred: 2, parts: 3, partsDone: 2 };
    expect(await world.open().get(claim.id)).toMatchObject(sums);
    expect(await world.open().list(1)).toMatchObject([sums]);
    // A work item may be done long after the sweep has ended.
    await store.release(claim, {}, world.done({ ...claim.row, parts: 3 }));
    await store.recordWorkItem(claim.id, '1-2', counts);
    expect(await world.open().get(claim.id)).toMatchObject({ state: 'done', changed: 9, partsDone: 3 });
  });

  it('counts a work item only once if it is delivered twice, with the larger counts', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    await store.recordWorkItem(claim.id, '1-0', counts);
    await store.recordWorkItem(claim.id, '1-0', { examined: 10, found: 0, changed: 0, hubCalls: 13, deferred: 0 });
    expect(await world.open().get(claim.id)).toMatchObject({ ...counts, hubCalls: 13, partsDone: 1 });
  });

  it('adds the counts of retries, and counts the work item once', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    await store.recordWorkItem(claim.id, '1-0', counts);
    await store.recordWorkItem(claim.id, '1-0.1', { ...counts, examined: 0, found: 0, deferred: 0 });
    await store.recordWorkItem(claim.id, '1-0.2', { ...counts, examined: 0, found: 0, deferred: 0 });
    const sums = { ...counts, changed: 9, hubCalls: 36, partsDone: 1 };
    expect(await world.open().get(claim.id)).toMatchObject(sums);
  });

  it('is listed with other rows, newest first, up to a limit', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      world.pass(count === 2 ? 1 : 86_400_000);
      const store = world.open();
      const claim = await world.claim(store);
      await store.release(claim, {}, world.done(claim.row));
      ids.unshift(claim.id);
    }
    expect((await world.open().list(10)).map((row) => row.id)).toEqual(ids);
    expect((await world.open().list(2)).map((row) => row.id)).toEqual(ids.slice(0, 2));
    expect((await world.open().list(2, ids[1])).map((row) => row.id)).toEqual(ids.slice(2));
    expect((await world.open().list(1, ids[0])).map((row) => row.id)).toEqual(ids.slice(1, 2));
    expect(await world.open().list(2, ids[3])).toEqual([]);
    expect(await world.open().list(10)).toEqual(
      (await world.open().list(10)).toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1)),
    );
  });

  it('does not exist before the first sweep', async () => {
    expect(await world.open().list(5)).toEqual([]);
    expect(await world.open().get('none')).toBeUndefined();
  });
});
