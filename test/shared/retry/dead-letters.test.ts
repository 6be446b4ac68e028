import { randomBytes } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createDeadLetters,
  createDeferredQueue,
  type DeadLetters,
  replayDeadLetter,
} from '../../../shared/retry/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
let now = Date.UTC(2026, 0, 1);
let deadLetters: DeadLetters;
beforeAll(async () => {
  azurite = await newStorageAccount();
  deadLetters = createDeadLetters(azurite.endpoints, () => new Date(now++));
});
afterEach(async () => {
  vi.restoreAllMocks();
  const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
  for (const key of await rowKeys()) await table.deleteEntity('letters', key);
});

async function rowKeys(): Promise<readonly string[]> {
  const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
  const filter = "PartitionKey eq 'letters'";
  return (await collect(table.listEntities({ queryOptions: { filter } }))).map(({ rowKey }) => String(rowKey));
}

const put = (event: unknown, state: 'dead' | 'parked' = 'dead') =>
  deadLetters.put({ reason: 'why', deviceId: 'd', state, event });

describe('dead letters', () => {
  it('are returned as they were stored, until they are removed', async () => {
    const id = await put({ a: [1, { b: null }] }, 'parked');
    expect(await deadLetters.get(id)).toEqual({
      id,
      at: expect.stringMatching(/^2026-01-01T/),
      reason: 'why',
      deviceId: 'd',
      state: 'parked',
      event: { a: [1, { b: null }] },
    });
    await deadLetters.remove(id);
    expect(await deadLetters.get(id)).toBeUndefined();
  });

  it.each([
    ['a megabyte that does not compress', () => randomBytes(1 << 20).toString('base64')],
    ['two megabytes that do not compress', () => randomBytes(2 << 20).toString('latin1')],
    ['a megabyte of one character', () => 'x'.repeat(1 << 20)],
    ['an undefined event', () => undefined],
  ])('keep %s complete, and are removed completely', async (_, make) => {
    const event = make();
    const neighbours = [await put('before')];
    const id = await put(event);
    neighbours.push(await put('after'));
    expect((await deadLetters.get(id))?.event).toEqual(event ?? null);
    const listed = new Map<string, unknown>();
    for await (const deadLetter of deadLetters.list()) listed.set(deadLetter.id, deadLetter.event);
    expect([...listed]).toEqual([
      [neighbours[1], 'after'],
      [id, event ?? null],
      [neighbours[0], 'before'],
    ]);
    for (const each of [id, ...neighbours]) await deadLetters.remove(each);
    expect(await rowKeys()).toEqual([]);
  });

  it('are listed newest first', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 20; index++) ids.push(await put(index));
    const listed = await collect(deadLetters.list());
    expect(listed.map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('are not mixed up with the remains of another letter', async () => {
    const event = randomBytes(1 << 20).toString('base64');
    const partial = await put(event);
    const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
    await table.deleteEntity('letters', partial);
    const complete = await put(event);
    const listed = await collect(deadLetters.list());
    expect(listed.map(({ id }) => id)).toEqual([complete]);
    expect(listed[0]?.event).toBe(event);
    expect(await deadLetters.get(partial)).toBeUndefined();
  });

  it('keep an event that is nested deeper than the call stack allows', async () => {
    const event = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const id = await put(event);
    let depth = 0;
    for (let inner = (await deadLetters.get(id))?.event; Array.isArray(inner); inner = inner[0] as unknown) depth++;
    expect(depth).toBe(100_000);
  });
});

describe('a dead letter that was replayed', () => {
  const replay = (id: string) =>
    replayDeadLetter(id, deadLetters, createDeferredQueue(azurite.endpoints, deadLetters), 'ada@build-7');
  const replayed = () => collect(deadLetters.list('replayed'));

  it.each([
    ['small', () => ({ a: 1 })],
    ['large', () => randomBytes(2 << 20).toString('latin1')],
  ])('stays with its events, the time and the person, and is no dead letter any more (%s)', async (_, make) => {
    const event = make();
    const id = await put(event);
    const other = await put('other');
    expect(await replay(id)).toBe(true);
    expect(await deadLetters.get(id)).toBeUndefined();
    const alive = (await collect(deadLetters.list())).filter(({ state }) => state === 'dead');
    expect(alive.map((letter) => letter.id)).toEqual([other]);
    const [letter] = (await replayed()).filter((each) => each.id === id);
    expect(letter).toEqual({
      id,
      at: expect.any(String),
      reason: 'why',
      deviceId: 'd',
      state: 'replayed',
      replayed: { at: expect.stringMatching(/^2026-01-01T/), by: 'ada@build-7' },
      event,
    });
    expect(await deadLetters.replayOf(id)).toEqual(letter?.replayed);
    expect(await replay(id)).toBe(false);
  });

  it('is not replayed when it is parked, because its events are in the queue', async () => {
    const id = await put('large', 'parked');
    expect(await replay(id)).toBe(false);
    expect(await deadLetters.replayOf(id)).toBeUndefined();
  });

  it('can be marked again after a process died between the two steps', async () => {
    const event = randomBytes(1 << 20).toString('base64');
    const id = await put(event);
    vi.spyOn(TableClient.prototype, 'deleteEntity').mockRejectedValueOnce(new Error('killed'));
    await expect(deadLetters.markReplayed(id, 'ada')).rejects.toThrow('killed');
    expect((await deadLetters.get(id))?.state).toBe('dead');
    await deadLetters.markReplayed(id, 'grace');
    expect((await replayed()).filter((each) => each.id === id)).toMatchObject([{ event, replayed: { by: 'ada' } }]);
  });

  it('is removed as a whole when its replay is older than the retention', async () => {
    await deadLetters.removeBefore(new Date(now + 1), () => true);
    const [old, recent] = [await put(randomBytes(1 << 20).toString('base64')), await put('recent')];
    await replay(old);
    const limit = new Date(now);
    await replay(recent);
    expect(await deadLetters.removeBefore(limit, () => false)).toEqual({ isUnfinished: true });
    expect(await deadLetters.removeBefore(limit, () => true)).toEqual({ isUnfinished: false });
    expect((await replayed()).map(({ id }) => id)).toEqual([recent]);
    const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
    const left = await collect(table.listEntities({ queryOptions: { filter: "PartitionKey eq 'replayed'" } }));
    expect(left).toHaveLength(1);
  });
});
