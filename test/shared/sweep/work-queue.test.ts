import { QueueClient } from '@azure/storage-queue';
import { beforeAll, describe, expect, it } from 'vitest';
import { sweepQueueName } from '../../../shared/sweep/store/index.ts';
import {
  createSweepQueue,
  readSweepMessage,
  type SweepMessage,
  type WorkItemMessage,
} from '../../../shared/sweep/work-queue.ts';
import { fc } from '../../support/arbitraries.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});

const workItem: WorkItemMessage = {
  type: 'part',
  sweepId: '98204674480612-b796ee93',
  part: '4-0',
  turn: 0,
};

describe('the queue of the sweep', () => {
  it.each<[string, SweepMessage]>([
    ['a work item', workItem],
    ['a work item that is queued again', { ...workItem, turn: 2 }],
    ['a request to start a sweep', { type: 'start' }],
    ['a request to resume a sweep', { type: 'continue', sweepId: workItem.sweepId }],
  ])('delivers %s unchanged', async (_, message) => {
    await createSweepQueue(azurite.endpoints).put(message);
    expect((await takeAll()).map(readSweepMessage)).toEqual([message]);
  });

  it('delivers a message after its delay, and limits the delay', async () => {
    const queue = createSweepQueue(azurite.endpoints);
    await queue.put({ type: 'start' }, -5);
    expect(await takeAll()).toEqual([{ v: 1, type: 'start' }]);
    await queue.put({ type: 'start' }, 40.4);
    // A delay may be longer than seven days, the limit of Azure Storage. The queue shortens such a delay.
    await queue.put({ type: 'start' }, 1e9);
    expect(await takeAll()).toEqual([]);
    expect((await openClient().getProperties()).approximateMessagesCount).toBe(2);
    await openClient().clearMessages();
  });
});

describe('a message of the queue', () => {
  it('is read as it was written, with any number of turns', () => {
    fc.assert(
      fc.property(fc.nat(), (turn) => {
        const message = { ...workItem, turn };
        expect(readSweepMessage(JSON.parse(JSON.stringify({ v: 1, ...message })))).toEqual(message);
      }),
    );
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a string', 'start'],
    ['a list', [{ v: 1, type: 'start' }]],
    ['an empty object', {}],
    ['another version', { v: 2, type: 'start' }],
    ['another type', { v: 1, type: 'stop' }],
    ['a type with the name of an object property', { v: 1, type: 'constructor' }],
    ['a sweep without an id', { v: 1, type: 'continue' }],
    ['a work item without a key', { v: 1, ...workItem, part: undefined }],
    ['a fraction of a turn', { v: 1, ...workItem, turn: 1.5 }],
    ['a negative number of turns', { v: 1, ...workItem, turn: -1 }],
  ])('is refused with an error that names the queue: %s', (_, message) => {
    expect(() => readSweepMessage(message)).toThrow(TypeError);
    expect(() => readSweepMessage(message)).toThrow(sweepQueueName);
  });

  it('is either read or refused with a TypeError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (anything) => {
        try {
          expect(readSweepMessage(anything)).toHaveProperty('type');
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
    );
  });

  it('is read without unknown properties', () => {
    expect(readSweepMessage({ v: 1, type: 'start', and: 'more' })).toEqual({ type: 'start' });
  });
});

/** Removes all visible messages from the queue, and decodes them as the queue trigger does. */
async function takeAll(): Promise<unknown[]> {
  const client = openClient();
  const { receivedMessageItems } = await client.receiveMessages({ numberOfMessages: 32 });
  for (const { messageId, popReceipt } of receivedMessageItems) await client.deleteMessage(messageId, popReceipt);
  return receivedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, 'base64').toString()));
}

function openClient(): QueueClient {
  return new QueueClient(azurite.endpoints.connectionString, sweepQueueName);
}
