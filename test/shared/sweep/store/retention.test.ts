import { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../../infra/local/azurite.ts';
import { openTable } from '../../../../shared/storage/index.ts';
import { createSweepRetention, createSweepStore, leadTime } from '../../../../shared/sweep/store/index.ts';
import { collect } from '../../../support/drift-rows.ts';

const day = 86_400_000;
const begin = Date.UTC(2026, 1, 3, 4, 5, 6);
const tally = { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 };
const everything = () => true;

let azurite: Awaited<ReturnType<typeof startAzurite>>;
let time = begin;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());
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

/** A sweep with so many parts done and bytes that it has not lost; it ends, unless it is left where it was. */
async function sweep(parts: number, how: 'ends' | 'pauses' = 'ends'): Promise<string> {
  const store = open();
  const claim = await store.claim({ trigger: 'timer' });
  if (claim === undefined) throw new Error('the lead is taken');
  const row = { ...claim.row, parts };
  for (let part = 0; part < parts; part++) await store.addPart(claim.id, `1-${part}`, tally);
  await store.leave(claim, { step: 1 }, how === 'ends' ? { ...row, state: 'done' } : row);
  if (how === 'pauses') await store.saveBytes(claim.id, 'set', new Uint8Array(700_000));
  return claim.id;
}

/** How many entities there are in each kind of partition. */
async function kinds(): Promise<Readonly<Record<string, number>>> {
  const table = await openTable(azurite.endpoints, 'TwinkeeperSweeps');
  const keys = (await collect(table.listEntities())).map(({ partitionKey = '' }) => partitionKey.split('!')[0] ?? '');
  return Object.fromEntries([...Map.groupBy(keys, (key) => key)].map(([key, its]) => [key, its.length]));
}

describe('sweeps of old', () => {
  it('go with their parts and their bytes; younger ones stay as they are', async () => {
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
    // What was left of a sweep whose process died in the middle of its removal, or whose last part came late.
    await open().addPart(before.at(-1)?.id ?? '', '1-9', tally);
    await open().saveBytes(before.at(-1)?.id ?? '', 'set', new Uint8Array(10));

    expect(await retention().removeBefore(border, everything)).toEqual({ removed: 2, isUnfinished: false });
    expect(await open().list(10)).toEqual(before.slice(0, 2));
    expect(before.slice(0, 2).map(({ id }) => id)).toEqual(young);
    expect(await kinds()).toEqual({ current: 1, sweeps: 2, parts: 3 });
    expect(await retention().removeBefore(border, everything)).toEqual({ removed: 0, isUnfinished: false });
  });

  it('leave what is no sweep, and are none where there was never one', async () => {
    expect(await retention().removeBefore(new Date(time), everything)).toEqual({
      removed: 0,
      isUnfinished: false,
    });
    await sweep(0);
    await open().keepMemo('agents', { at: new Date(time).toISOString(), text: '[1]' });
    time += day;
    const last = await sweep(0);
    time += day;
    await retention().removeBefore(new Date(time), everything);
    expect(await kinds()).toEqual({ current: 1, sweeps: 1, notes: 1 });
    expect(await open().list(10)).toMatchObject([{ id: last }]);
  });

  it('never go while one is under way, however old it is', async () => {
    await sweep(2);
    time += day;
    const paused = await sweep(2, 'pauses');
    const row = await open().get(paused);
    time += 500 * day;
    expect(await retention().removeBefore(new Date(time), everything)).toMatchObject({ removed: 1 });
    expect(await open().get(paused)).toEqual(row);
    const claim = await open().claim({ trigger: 'timer' });
    expect(claim).toMatchObject({ id: paused, resumed: true, place: { step: 1 } });
    expect(await open().loadBytes(paused, 'set')).toHaveLength(700_000);
    // Also while somebody holds it.
    time += leadTime / 2;
    expect(await retention().removeBefore(new Date(time), everything)).toMatchObject({ removed: 0 });
    expect(await open().get(paused)).toMatchObject({ resumed: 1, partsDone: 2 });
  });

  it('go in batches, of which no next is begun when there is no more time', async () => {
    for (let count = 0; count < 4; count++) {
      await sweep(60);
      time += day;
    }
    let batches = 0;
    const once = () => ++batches <= 1;
    expect(await retention().removeBefore(new Date(time), once)).toEqual({ removed: 3, isUnfinished: true });
    expect(await kinds()).toEqual({ current: 1, sweeps: 1, parts: 240 });
    batches = -1;
    expect(await retention().removeBefore(new Date(time), once)).toEqual({ removed: 0, isUnfinished: true });
    expect((await kinds()).parts).toBeLessThan(240);
    expect(await retention().removeBefore(new Date(time), everything)).toEqual({
      removed: 0,
      isUnfinished: false,
    });
    expect(await kinds()).toEqual({ current: 1, sweeps: 1, parts: 60 });
  });

  it('that were half-way gone when the process was killed are gone after the next run', async () => {
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
        .removeBefore(new Date(time), everything)
        .then(
          () => true,
          () => false,
        );
      // Whatever is told has all that belongs to it.
      expect(whole).toEqual(expect.arrayContaining([...(await open().list(10))]));
      expect(killAt).toBeLessThan(20);
    }
    expect(await open().list(10)).toMatchObject([{ id: ids[3], partsDone: 3 }]);
    expect(await kinds()).toEqual({ current: 1, sweeps: 1, parts: 3 });
  });
});
