import { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import { sweepQueueName } from '../../../shared/sweep/store/index.ts';
import {
  createSweepQueue,
  devicesPerItem,
  readSweepMessage,
  type SweepMessage,
  type WorkItem,
} from '../../../shared/sweep/work-queue.ts';
import { deviceIds, fc } from '../../support/arbitraries.ts';

let azurite: Awaited<ReturnType<typeof startAzurite>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const part: WorkItem = {
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
    ['a part', part],
    ['a part about the twins of devices themselves', { ...part, moduleId: '', finding: 'suspect', attempt: 2 }],
    ['a wish for a sweep', { type: 'start' }],
    ['a wish to go on', { type: 'continue', sweepId: part.sweepId }],
  ])('brings %s as it was put in', async (_, message) => {
    await createSweepQueue(azurite.endpoints).put(message);
    expect((await takeAll()).map(readSweepMessage)).toEqual([message]);
  });

  it('takes a part of the largest size with the longest ids', async () => {
    const devices = Array.from({ length: devicesPerItem }, (_, index) => `${'x'.repeat(125)}${100 + index}`);
    await createSweepQueue(azurite.endpoints).put({ ...part, moduleId: 'm'.repeat(128), devices });
    expect((await takeAll()).map(readSweepMessage)).toMatchObject([{ devices }]);
  });

  it('keeps back a message that is to wait, however long that is', async () => {
    const queue = createSweepQueue(azurite.endpoints);
    await queue.put({ type: 'start' }, -5);
    expect(await takeAll()).toEqual([{ v: 1, type: 'start' }]);
    await queue.put({ type: 'start' }, 40.4);
    // Azure takes no more than seven days.
    await queue.put({ type: 'start' }, 1e9);
    expect(await takeAll()).toEqual([]);
    expect((await openClient().getProperties()).approximateMessagesCount).toBe(2);
    await openClient().clearMessages();
  });
});

describe('a message of the queue', () => {
  it('is read as it was written, whatever ids it names', () => {
    fc.assert(
      fc.property(fc.array(deviceIds, { maxLength: 100 }), fc.nat(), (devices, attempt) => {
        const message = { ...part, devices, attempt };
        expect(readSweepMessage(JSON.parse(JSON.stringify({ v: 1, ...message })))).toEqual(message);
      }),
    );
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'start'],
    ['a list', [{ v: 1, type: 'start' }]],
    ['an empty object', {}],
    ['another version', { v: 2, type: 'start' }],
    ['another type', { v: 1, type: 'stop' }],
    ['a type that objects have by nature', { v: 1, type: 'constructor' }],
    ['a sweep without an id', { v: 1, type: 'continue' }],
    ['a part without devices', { v: 1, ...part, devices: undefined }],
    ['devices that are no texts', { v: 1, ...part, devices: [1] }],
    ['devices that are one text', { v: 1, ...part, devices: 'abc' }],
    ['another finding', { v: 1, ...part, finding: 'guilty' }],
    ['a time that is none', { v: 1, ...part, at: 'yesterday' }],
    ['tries that are not counted', { v: 1, ...part, attempt: 1.5 }],
    ['tries below none', { v: 1, ...part, attempt: -1 }],
  ])('that is %s is refused with a message that names the queue', (_, message) => {
    expect(() => readSweepMessage(message)).toThrow(TypeError);
    expect(() => readSweepMessage(message)).toThrow(sweepQueueName);
  });

  it('is refused or read, and nothing else, whatever came', () => {
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

  it('leaves out what is none of its business', () => {
    expect(readSweepMessage({ v: 1, type: 'start', and: 'more' })).toEqual({ type: 'start' });
  });
});

/** All messages that can be seen now, decoded as the trigger does. */
async function takeAll(): Promise<unknown[]> {
  const client = openClient();
  const { receivedMessageItems } = await client.receiveMessages({ numberOfMessages: 32 });
  for (const { messageId, popReceipt } of receivedMessageItems) await client.deleteMessage(messageId, popReceipt);
  return receivedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, 'base64').toString()));
}

function openClient(): QueueClient {
  return new QueueClient(azurite.endpoints.connectionString, sweepQueueName);
}
