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

describe('saved bytes of a sweep', () => {
  const bytesOf = (length: number, seed = 1) =>
    Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * seed + seed) & 0xff);

  it.each([0, 1, 60_000, 60_001, 840_000, 2_500_003])('are loaded as they were saved: %d bytes', async (length) => {
    const bytes = bytesOf(length);
    await world.open().saveBytes('sweep', 'present-4', bytes);
    const loaded = await world.open().loadBytes('sweep', 'present-4');
    expect(loaded).toHaveLength(length);
    expect(Buffer.compare(Buffer.from(loaded ?? []), bytes)).toBe(0);
  });

  it('are undefined under another name or for another sweep', async () => {
    await world.open().saveBytes('sweep', 'present-4', bytesOf(10));
    expect(await world.open().loadBytes('sweep', 'present-40')).toBeUndefined();
    expect(await world.open().loadBytes('sweep', 'present')).toBeUndefined();
    expect(await world.open().loadBytes('another', 'present-4')).toBeUndefined();
  });

  it('are those of the last save, even if an earlier save was larger', async () => {
    const store = world.open();
    for (const length of [900_000, 1_800_000, 100]) {
      await store.saveBytes('sweep', 'set', bytesOf(length, length));
      const loaded = await world.open().loadBytes('sweep', 'set');
      expect(Buffer.compare(Buffer.from(loaded ?? []), bytesOf(length, length))).toBe(0);
    }
  });

  it('are undefined when a save was interrupted', async () => {
    await world.open().saveBytes('sweep', 'set', bytesOf(1_800_000, 2));
    const first = await world.table.getEntity('bytes!sweep', 'set!0000');
    await world.open().saveBytes('sweep', 'set', bytesOf(1_800_000, 1));
    await world.table.updateEntity(first as never, 'Replace');
    expect(await world.open().loadBytes('sweep', 'set')).toBeUndefined();
  });

  it('are removed when the sweep is over, and not before', async () => {
    const store = world.open();
    const claim = await world.claim(store);
    await store.saveBytes(claim.id, 'set', bytesOf(2_000_000));
    await store.release(claim, {}, claim.row);
    const again = world.open();
    const resumed = await world.claim(again);
    expect(await again.loadBytes(claim.id, 'set')).toHaveLength(2_000_000);
    await again.release(resumed, {}, world.done(resumed.row));
    expect(await world.open().loadBytes(claim.id, 'set')).toBeUndefined();
  });
});

describe('a memo', () => {
  it('is read by its name, as written last', async () => {
    const memo = { at: '2026-02-03T04:05:06.000Z', text: '[10,9,10]' };
    expect(await world.open().readMemo('agents')).toBeUndefined();
    await world.open().writeMemo('agents', memo);
    expect(await world.open().readMemo('agents')).toEqual(memo);
    expect(await world.open().readMemo('others')).toBeUndefined();
    await world.open().writeMemo('agents', { ...memo, text: '[10,10,10]' });
    expect(await world.open().readMemo('agents')).toEqual({ ...memo, text: '[10,10,10]' });
  });
});
