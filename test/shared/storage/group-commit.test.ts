import type { TableClient } from '@azure/data-tables';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit, type TableChange } from '../../../shared/storage/group-commit.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
let table: TableClient;
let transactions = 0;
let group: GroupCommit;
let tables = 0;
beforeAll(async () => {
  azurite = await newStorageAccount();
});
beforeEach(async () => {
  table = await openTable(azurite.endpoints, `Group${++tables}`);
  transactions = 0;
  const submit = table.submitTransaction.bind(table);
  table.submitTransaction = (actions) => {
    transactions++;
    return submit(actions);
  };
  group = new GroupCommit(async () => table);
});

const put = (partitionKey: string, rowKey: string, value: unknown = 1): TableChange => ({
  type: 'upsert',
  entity: { partitionKey, rowKey, value },
});
const remove = (partitionKey: string, rowKey: string): TableChange => ({ type: 'delete', partitionKey, rowKey });
const stored = async () =>
  (await collect(table.listEntities<{ value: unknown }>())).map(
    ({ partitionKey, rowKey, value }) => `${partitionKey}/${rowKey}=${value}`,
  );

describe('concurrent changes to a table', () => {
  it('are all stored in few transactions', async () => {
    const applied = Array.from({ length: 500 }, (_, index) => group.apply([put(`p${index % 3}`, `r${index}`)]));
    await Promise.all(applied);
    expect(await stored()).toHaveLength(500);
    expect(transactions).toBeLessThanOrEqual(9);
  });

  it('are stored when their promises resolve', async () => {
    const rowKeys = Array.from({ length: 150 }, async (_, index) => {
      await group.apply([put('p', `r${index}`)]);
      return (await table.getEntity('p', `r${index}`)).rowKey;
    });
    expect(await Promise.all(rowKeys)).toEqual(Array.from({ length: 150 }, (_, index) => `r${index}`));
  });

  it('do not wait for further changes', async () => {
    await group.apply([put('p', 'a')]);
    await group.apply([put('p', 'b')]);
    expect(transactions).toBe(2);
  });

  it('leave the last change of each entity', async () => {
    await Promise.all([1, 2, 3].map((value) => group.apply([put('p', 'a', value)])));
    expect(await stored()).toEqual(['p/a=3']);
    await Promise.all([group.apply([put('p', 'a', 4)]), group.apply([remove('p', 'a')])]);
    expect(await stored()).toEqual([]);
    await Promise.all([group.apply([remove('p', 'a')]), group.apply([put('p', 'a', 5)])]);
    expect(await stored()).toEqual(['p/a=5']);
  });

  it('may delete missing entities, and the other changes are still stored', async () => {
    await group.apply([put('p', 'old')]);
    await Promise.all([
      group.apply([remove('p', 'never')]),
      group.apply([put('p', 'new')]),
      group.apply([remove('p', 'old'), remove('p', 'neither')]),
    ]);
    expect(await stored()).toEqual(['p/new=1']);
  });

  it('are stored one by one when one of them is refused', async () => {
    const changes = [put('p', 'a'), put('p', 'b', 'x'.repeat(70_000)), put('p', 'c'), put('q', 'd')];
    const results = await Promise.allSettled(changes.map((change) => group.apply([change])));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(await stored()).toEqual(['p/a=1', 'p/c=1', 'q/d=1']);
  });

  it('fail while storage fails, and succeed when storage is back', async () => {
    const submit = table.submitTransaction;
    table.submitTransaction = async () => {
      throw new Error('storage is not available');
    };
    const results = await Promise.allSettled([group.apply([put('p', 'a')]), group.apply([put('p', 'b')])]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    table.submitTransaction = submit;
    await group.apply([put('p', 'a')]);
    expect(await stored()).toEqual(['p/a=1']);
  });

  it('are split when a transaction would be too large', async () => {
    const large = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`v${index}`, 'x'.repeat(32_000)]));
    const entity = (rowKey: string): TableChange => ({
      type: 'upsert',
      entity: { partitionKey: 'p', rowKey, ...large },
    });
    await group.apply(Array.from({ length: 20 }, (_, index) => entity(`r${index}`)));
    expect(await collect(table.listEntities())).toHaveLength(20);
    expect(transactions).toBeGreaterThan(3);
  });
});
