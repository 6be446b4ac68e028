import { TableClient } from '@azure/data-tables';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTable } from '../../../../shared/storage/index.ts';
import { createSweepRetention, createSweepStore, leaseTime } from '../../../../shared/sweep/store/index.ts';
import { collect } from '../../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';

const day = 86_400_000;
const begin = Date.UTC(2026, 1, 3, 4, 5, 6);
const counts = { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 };
const noLimit = () => true;

let azurite: TestStorage;
let time = begin;
beforeAll(async () => {
  azurite = await newStorageAccount();
});
beforeEach(async () => {
  time = begin;
  await (await openTable(azurite.endpoints, 'TwinkeeperSweeps')).deleteTable();
});
const submit = TableClient.prototype.submitTransaction;
afterEach(() => {
  TableClient.prototype.submitTransaction = submit;
});

const open = () => createSweepStore(azurite.endpoints, () => new Date(time));
const retention = () => createSweepRetention(azurite.endpoints);

/**
 * Stores a sweep with `workItems` finished work items, and returns its id. With `pauses`, the sweep does not end and also has saved bytes.
 */
async function sweep(workItems: number, how: 'ends' | 'pauses' = 'ends'): Promise<string> {
  const store = open();
  const claim = await store.claim({ trigger: 'timer' });
  if (claim === undefined) throw new Error('Another instance holds the lease.');
  const row = { ...claim.row, parts: workItems };
  for (let index = 0; index < workItems; index++) await store.recordWorkItem(claim.id, `1-${index}`, counts);
  await store.release(claim, { step: 1 }, how === 'ends' ? { ...row, state: 'done' } : row);
  if (how === 'pauses') await store.saveBytes(claim.id, 'set', new Uint8Array(700_000));
  return claim.id;
}

/** Returns the number of table entities by kind of partition, such as `sweeps` or `parts`. */
async function countEntities(): Promise<Readonly<Record<string, number>>> {
  const table = await openTable(azurite.endpoints, 'TwinkeeperSweeps');
  const keys = (await collect(table.listEntities())).map(({ partitionKey = '' }) => partitionKey.split('!')[0] ?? '');
  return Object.fromEntries([...Map.groupBy(keys, (key) => key)].map(([key, sameKeys]) => [key, sameKeys.length]));
}

describe('old sweeps', () => {
  it('are removed with their work items and bytes, and newer ones stay', async () => {
    for (const _ of [1, 2]) {
      await sweep(3);
      time += day;
    }
    const border = new Date(time);
    time += 1000;
    const young = [await sweep(2)];
    time += day;
    young.unshift(await sweep(1));
    const before = await open().list(10);
    // Add entities to an old sweep, as an interrupted removal or a late work item would leave them.
    await open().recordWorkItem(before.at(-1)?.id ?? '', '1-9', counts);
    await open().saveBytes(before.at(-1)?.id ?? '', 'set', new Uint8Array(10));

    expect(await retention().removeBefore(border, noLimit)).toEqual({ removed: 2, isUnfinished: false });
    expect(await open().list(10)).toEqual(before.slice(0, 2));
    expect(before.slice(0, 2).map(({ id }) => id)).toEqual(young);
    expect(await countEntities()).toEqual({ current: 1, sweeps: 2, parts: 3 });
    expect(await retention().removeBefore(border, noLimit)).toEqual({ removed: 0, isUnfinished: false });
  });

  it('are removed without the memos, and need not exist', async () => {
    expect(await retention().removeBefore(new Date(time), noLimit)).toEqual({
      removed: 0,
      isUnfinished: false,
    });
    await sweep(0);
    await open().writeMemo('agents', { at: new Date(time).toISOString(), text: '[1]' });
    time += day;
    const last = await sweep(0);
    time += day;
    await retention().removeBefore(new Date(time), noLimit);
    expect(await countEntities()).toEqual({ current: 1, sweeps: 1, notes: 1 });
    expect(await open().list(10)).toMatchObject([{ id: last }]);
  });

  it('stay while they can be resumed, however old they are', async () => {
    await sweep(2);
    time += day;
    const paused = await sweep(2, 'pauses');
    const row = await open().get(paused);
    time += 500 * day;
    expect(await retention().removeBefore(new Date(time), noLimit)).toMatchObject({ removed: 1 });
    expect(await open().get(paused)).toEqual(row);
    const claim = await open().claim({ trigger: 'timer' });
    expect(claim).toMatchObject({ id: paused, resumed: true, checkpoint: { step: 1 } });
    expect(await open().loadBytes(paused, 'set')).toHaveLength(700_000);
    // The sweep must not be removed while an instance holds its lease.
    time += leaseTime / 2;
    expect(await retention().removeBefore(new Date(time), noLimit)).toMatchObject({ removed: 0 });
    expect(await open().get(paused)).toMatchObject({ resumed: 1, partsDone: 2 });
  });

  it('are removed in batches, and no batch starts after time is up', async () => {
    for (let count = 0; count < 4; count++) {
      await sweep(60);
      time += day;
    }
    let batches = 0;
    const oneBatch = () => ++batches <= 1;
    expect(await retention().removeBefore(new Date(time), oneBatch)).toEqual({ removed: 3, isUnfinished: true });
    expect(await countEntities()).toEqual({ current: 1, sweeps: 1, parts: 240 });
    batches = -1;
    expect(await retention().removeBefore(new Date(time), oneBatch)).toEqual({ removed: 0, isUnfinished: true });
    expect((await countEntities()).parts).toBeLessThan(240);
    expect(await retention().removeBefore(new Date(time), noLimit)).toEqual({
      removed: 0,
      isUnfinished: false,
    });
    expect(await countEntities()).toEqual({ current: 1, sweeps: 1, parts: 60 });
  });

  it('are removed completely after a run that was killed in the middle', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      ids.push(await sweep(3));
      time += day;
    }
    const whole = await open().list(10);
    for (let killAt = 0, isDone = false; !isDone; killAt++) {
      let left = killAt;
      TableClient.prototype.submitTransaction = async function (this: TableClient, actions) {
        if (left-- === 0) throw new Error('killed');
        return submit.call(this, actions);
      };
      isDone = await retention()
        .removeBefore(new Date(time), noLimit)
        .then(
          () => true,
          () => false,
        );
      // Each row that is still listed must have the counts of all its work items.
      expect(whole).toEqual(expect.arrayContaining([...(await open().list(10))]));
      expect(killAt).toBeLessThan(20);
    }
    expect(await open().list(10)).toMatchObject([{ id: ids[3], partsDone: 3 }]);
    expect(await countEntities()).toEqual({ current: 1, sweeps: 1, parts: 3 });
  });
});
