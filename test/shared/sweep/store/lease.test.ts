import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { leaseTime, type SweepRow } from '../../../../shared/sweep/store/index.ts';
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

describe('the lease of a sweep', () => {
  it('goes to one of many instances that claim a new sweep at the same time', async () => {
    const stores = Array.from({ length: 12 }, () => world.open());
    // Connect all stores to the table first, so that the claims really happen at the same time.
    await Promise.all(stores.map((store) => store.list(1)));
    const claims = (await Promise.all(stores.map((store) => store.claim({ trigger: 'timer' })))).filter(Boolean);
    expect(claims).toHaveLength(1);
    expect(await world.open().list(10)).toMatchObject([{ id: claims[0]?.id, state: 'running', resumed: 0 }]);
  });

  it('goes to one of many instances that claim a paused sweep at the same time', async () => {
    const first = world.open();
    const claim = await world.claim(first);
    await first.release(claim, { step: 3 }, claim.row);
    const stores = Array.from({ length: 12 }, () => world.open());
    await Promise.all(stores.map((store) => store.list(1)));
    const claims = (await Promise.all(stores.map((store) => store.claim({ trigger: 'timer' })))).filter(Boolean);
    expect(claims).toMatchObject([{ id: claim.id, resumed: true, checkpoint: { step: 3 } }]);
    expect(await world.open().get(claim.id)).toMatchObject({ resumed: 1 });
  });

  it('is free after it expired, and no sooner', async () => {
    const claim = await world.claim();
    world.pass(leaseTime - 1);
    expect(await world.open().claim({ trigger: 'manual' })).toBeUndefined();
    world.pass(1);
    expect(await world.open().claim({ trigger: 'manual' })).toMatchObject({ id: claim.id, resumed: true });
    // The instance that took the expired lease has it for the whole lease time.
    world.pass(leaseTime - 1);
    expect(await world.open().claim({ trigger: 'timer' })).toBeUndefined();
  });

  it('is extended by each renewal', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    for (let step = 0; step < 3; step++) {
      world.pass(leaseTime - 1);
      expect(await store.renew(claim, { step }, claim.row)).toBe('kept');
    }
    world.pass(leaseTime - 1);
    expect(await world.open().claim({ trigger: 'timer' })).toBeUndefined();
  });

  it.each(['renew', 'release'] as const)(
    'that another instance has taken is lost: %s says so and changes nothing',
    async (method) => {
      const slow = world.open();
      const claim = await world.claim(slow);
      await slow.renew(claim, { step: 1 }, claim.row);
      world.pass(leaseTime);
      const quick = world.open();
      const taken = await world.claim(quick);
      const row = { ...taken.row, parts: 7 };
      expect(await quick.renew(taken, { step: 5 }, row)).toBe('kept');

      expect(await slow[method](claim, { step: 2 }, world.done({ ...claim.row, parts: 2 }))).toBe('lost');
      expect(await slow[method](claim, { step: 2 }, world.done({ ...claim.row, parts: 2 }))).toBe('lost');
      expect(await world.open().get(claim.id)).toMatchObject({ state: 'running', parts: 7, resumed: 1 });
      world.pass(leaseTime);
      expect(await world.claim()).toMatchObject({
        id: claim.id,
        checkpoint: { step: 5 },
        row: { parts: 7, resumed: 2 },
      });
    },
  );

  it('cannot be renewed by an instance that never claimed it', async () => {
    const claim = await world.claim();
    expect(await world.open().renew(claim, {}, claim.row)).toBe('lost');
  });

  it('is released at the end of a sweep, and the next claim starts a new sweep', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    expect(await store.release(claim, { step: 9 }, world.done(claim.row))).toBe('kept');
    const next = await world.claim();
    expect(next).toMatchObject({ resumed: false, checkpoint: undefined, row: { resumed: 0, state: 'running' } });
    expect(next.id).not.toBe(claim.id);
    expect(await store.release(claim, {}, world.done(claim.row))).toBe('lost');
  });

  it('can be claimed for one certain sweep only', async () => {
    const store = world.open();
    expect(await store.claim({ trigger: 'timer', only: 'none' })).toBeUndefined();
    const claim = await world.claim(store);
    const only = claim.id;
    expect(await world.open().claim({ trigger: 'timer', only })).toBeUndefined();
    await store.release(claim, { step: 1 }, claim.row);
    expect(await world.open().claim({ trigger: 'timer', only: 'another' })).toBeUndefined();
    const again = world.open();
    const resumed = await again.claim({ trigger: 'timer', only });
    expect(resumed).toMatchObject({ id: only, checkpoint: { step: 1 } });
    if (resumed === undefined) return;
    await again.release(resumed, {}, world.done(resumed.row));
    expect(await world.open().claim({ trigger: 'timer', only })).toBeUndefined();
  });
});

describe('a resumed sweep', () => {
  it('has the checkpoint and the row that were saved last', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    const checkpoint = { step: 4, continuation: 'x', pending: ['a', "b's"], search: { among: 'devices' } };
    const row: SweepRow = { ...claim.row, examined: 5, hubCalls: 6, parts: 2, competing: ['one'], walked: ['two'] };
    await store.renew(claim, checkpoint, row);
    world.pass(leaseTime);
    expect(await world.claim()).toEqual({ id: claim.id, checkpoint, row: { ...row, resumed: 1 }, resumed: true });
  });

  it('keeps its trigger and its start time', async () => {
    const { id, row } = await world.claim();
    world.pass(leaseTime);
    const resumed = await world.open().claim({ trigger: 'manual' });
    expect(resumed).toMatchObject({ id, row: { trigger: 'timer', startedAt: row.startedAt } });
  });

  it('may have a checkpoint and a row that are longer than a table property', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    const checkpoint = { pending: Array.from({ length: 99 }, (_, index) => `${index}`.padEnd(128, 'x')) };
    const sentences = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(400, 'x'));
    const row = { ...claim.row, competing: sentences, walked: sentences };
    expect(await store.renew(claim, checkpoint, row)).toBe('kept');
    expect(await world.open().get(claim.id)).toEqual(row);
    // After shorter values are saved, no part of the longer values is left.
    expect(await store.renew(claim, {}, claim.row)).toBe('kept');
    expect(await world.open().get(claim.id)).toEqual(claim.row);
    world.pass(leaseTime);
    expect(await world.claim()).toMatchObject({ checkpoint: {}, row: { competing: [] } });
  });

  it('gets its final row even if its instance died after the release and before it wrote the row', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    const row = world.done(claim.row);
    await store.release(claim, {}, row);
    // Simulate a process that died before it wrote the row: set the row's state back to `running`.
    await world.table.upsertEntity({ partitionKey: 'sweeps', rowKey: claim.id, state: 'running' }, 'Merge');
    world.pass(1000);
    await world.claim();
    expect(await world.open().get(claim.id)).toEqual(row);
  });
});
