import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent } from '../../../shared/events/index.ts';
import { readDeferral } from '../../../shared/retry/deferred-queue.ts';
import { createDeadLetters, type DeadLetters } from '../../../shared/retry/index.ts';
import { rawEvent } from '../../support/arbitraries.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';
import { sendThroughQueue } from './send-through-queue.ts';

let azurite: TestStorage;
let deadLetters: DeadLetters;
beforeAll(async () => {
  azurite = await newStorageAccount();
  deadLetters = createDeadLetters(azurite.endpoints, () => new Date());
});

describe('the deferred queue', () => {
  it.each([
    ['small', { version: 1, properties: { desired: JSON.parse('{"__proto__":1,"a":"ü€😀"}') as unknown } }],
    ['without a body', undefined],
    ['of text', 'not JSON'],
    ['too large for a message', { text: randomBytes(300_000).toString('base64') }],
    ['too large for one entity', { text: randomBytes(1 << 20).toString('base64') }],
  ])('returns events unchanged that are %s', async (_, body) => {
    const events = [rawEvent('updateTwin', body, "a#b?c%d'e", 'm'), rawEvent('replaceTwin', {}, "a#b?c%d'e")];
    const deferral = { deviceId: "a#b?c%d'e", events, attempt: 3, reason: 'why '.repeat(400) };
    const message = await sendThroughQueue(azurite.endpoints, deadLetters, deferral);
    const received = await readDeferral(message, deadLetters);
    expect(received).toMatchObject({ deviceId: "a#b?c%d'e", attempt: 3, reason: expect.stringMatching(/^why why/) });
    expect(JSON.stringify(received.events)).toBe(JSON.stringify(events));
    expect(received.events.map(decodeEvent)).toEqual(events.map(decodeEvent));
    if (received.parked !== undefined) await deadLetters.remove(received.parked);
    expect(await collect(deadLetters.list())).toEqual([]);
  });

  it.each([
    [null],
    ['text'],
    [{ v: 2 }],
    [{ v: 1, deviceId: 'd', attempt: -1, reason: 'r' }],
    [{ v: 1, deviceId: 5, attempt: 1, reason: 'r' }],
  ])('rejects %j, which is not one of its messages', async (message) => {
    await expect(readDeferral(message, deadLetters)).rejects.toThrow(TypeError);
  });
});
