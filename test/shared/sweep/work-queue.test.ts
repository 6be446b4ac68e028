import { QueueClient } from '@azure/storage-queue';
import { beforeAll, describe, expect, it } from 'vitest';
import { sweepQueueName } from '../../../shared/sweep/store/index.ts';
import {
  createSweepQueue,
  devicesPerItem,
  readSweepMessage,
  type SweepMessage,
  type WorkItem,
} from '../../../shared/sweep/work-queue.ts';
import { deviceIds, fc } from '../../support/arbitraries.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});

const workItem: WorkItem = {
  type: 'part',
  sweepId: '98204674480612-b796ee93',
  part: '4-0',
  moduleId: 'DefenderIotMicroAgent',
  finding: 'missing',
  at: '2026-02-03T04:05:06.789Z',
  devices: ['a', "it's(#?%)"],
  attempt: 0,
};

describe('the queue of the sweep', () => {
  it.each<[string, SweepMessage]>([
    ['a work item', workItem],
    [
      'a work item about the twins of devices themselves',
      { ...workItem, moduleId: '', finding: 'suspect', attempt: 2 },
    ],
    ['a request to start a sweep', { type: 'start' }],
    ['a request to resume a sweep', { type: 'continue', sweepId: workItem.sweepId }],
  ])('delivers %s unchanged', async (_, message) => {
    await createSweepQueue(azurite.endpoints).put(message);
    expect((await takeAll()).map(readSweepMessage)).toEqual([message]);
  });

  it('takes a work item of the largest size with the longest ids', async () => {
    const devices = Array.from({ length: devicesPerItem }, (_, index) => `${'x'.repeat(125)}${100 + index}`);
    await createSweepQueue(azurite.endpoints).put({ ...workItem, moduleId: 'm'.repeat(128), devices });
    expect((await takeAll()).map(readSweepMessage)).toMatchObject([{ devices }]);
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
  it('is read as it was written, with any device ids', () => {
    fc.assert(
      fc.property(fc.array(deviceIds, { maxLength: 100 }), fc.nat(), (devices, attempt) => {
        const message = { ...workItem, devices, attempt };
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
    ['a work item without devices', { v: 1, ...workItem, devices: undefined }],
    ['device ids that are not strings', { v: 1, ...workItem, devices: [1] }],
    ['device ids in one string', { v: 1, ...workItem, devices: 'abc' }],
    ['another finding', { v: 1, ...workItem, finding: 'guilty' }],
    ['an invalid time', { v: 1, ...workItem, at: 'yesterday' }],
    ['a fraction of an attempt', { v: 1, ...workItem, attempt: 1.5 }],
    ['a negative number of attempts', { v: 1, ...workItem, attempt: -1 }],
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
