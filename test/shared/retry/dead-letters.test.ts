import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDeadLetters, type DeadLetter, type DeadLetters } from '../../../shared/retry/index.ts';
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
  const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
  for (const key of await rowKeys()) await table.deleteEntity('letters', key);
});

async function rowKeys(): Promise<readonly string[]> {
  const table = await openTable(azurite.endpoints, 'TwinkeeperDeadLetters');
  return (await collect(table.listEntities())).map(({ rowKey }) => String(rowKey));
}

const put = (event: unknown, state: DeadLetter['state'] = 'dead') =>
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
