import { randomBytes } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDeadLetterList, createDeadLetters } from '../../../shared/retry/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
let time = Date.UTC(2026, 1, 3);
beforeAll(async () => {
  azurite = await newStorageAccount();
});
beforeEach(async () => {
  await (await openTable(azurite.endpoints, 'TwinkeeperDeadLetters')).deleteTable();
});
const listEntities = TableClient.prototype.listEntities;
afterEach(() => {
  TableClient.prototype.listEntities = listEntities;
});

const deadLetters = () => createDeadLetters(azurite.endpoints, () => new Date(time));
async function put(reason: string, event: unknown = {}, state: 'dead' | 'parked' = 'dead'): Promise<string> {
  time += 1;
  return deadLetters().put({ deviceId: 'd', reason, state, event });
}
/** Creates an event that is too large for one table entity, even after compression. */
const large = () => randomBytes(1_500_000).toString('base64');

describe('the list of dead letters', () => {
  it('has pages, newest first, without parked letters, whatever the size of the letters', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      ids.unshift(await put(`reason ${count}`, count % 2 === 0 ? large() : {}));
      await put('parked', count === 1 ? large() : {}, 'parked');
    }
    const list = createDeadLetterList(azurite.endpoints);
    const first = await list.page(3);
    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(first[0]).toEqual({ id: ids[0], at: expect.any(String), reason: 'reason 3', deviceId: 'd' });
    expect((await list.page(3, first[2]?.id)).map(({ id }) => id)).toEqual(ids.slice(3));
    expect(await list.page(3, ids[3])).toEqual([]);
    expect((await list.page(1000)).map(({ id }) => id)).toEqual(ids);
    // `DeadLetters.list` returns the same letters, but with their events.
    const full = await collect(deadLetters().list());
    expect(full.filter(({ state }) => state === 'dead').map(({ id }) => id)).toEqual(ids);
  });

  it('is read from the given id on, up to the limit', async () => {
    for (let count = 0; count < 6; count++) await put(`reason ${count}`);
    const list = createDeadLetterList(azurite.endpoints);
    const [, second] = await list.page(2);
    const filters: unknown[] = [];
    let returned = 0;
    TableClient.prototype.listEntities = function (this: TableClient, options: never) {
      filters.push((options as { queryOptions: { filter: string } }).queryOptions.filter);
      const listed = listEntities.call(this, options);
      const byPage = listed.byPage.bind(listed);
      listed.byPage = async function* (settings) {
        for await (const page of byPage(settings)) {
          returned += page.length;
          yield page;
        }
      } as typeof listed.byPage;
      return listed;
    } as typeof listEntities;
    const page = await list.page(2, second?.id);
    expect(page.map(({ reason }) => reason)).toEqual(['reason 3', 'reason 2']);
    expect(filters).toEqual([`PartitionKey eq 'letters' and RowKey gt '${second?.id}~~' and state eq 'dead'`]);
    expect(returned).toBe(2);
  });

  it('continues after a letter that was removed, completely or in part', async () => {
    const oldest = await put('oldest');
    const middle = await put('middle', large());
    const list = createDeadLetterList(azurite.endpoints);
    expect((await list.page(1)).map(({ id }) => id)).toEqual([middle]);
    await (await openTable(azurite.endpoints, 'TwinkeeperDeadLetters')).deleteEntity('letters', middle);
    expect((await list.page(1, middle)).map(({ id }) => id)).toEqual([oldest]);
    expect((await list.page(9)).map(({ id }) => id)).toEqual([oldest]);
  });
});
