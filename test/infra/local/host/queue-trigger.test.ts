import { QueueServiceClient } from '@azure/storage-queue';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';
import { endHosts, type HostProcessOptions, startHost } from './fixtures/host-process.ts';

let azurite: TestStorage;
let queueName: string;
let queues: QueueServiceClient;

beforeAll(async () => {
  azurite = await newStorageAccount();
  queues = QueueServiceClient.fromConnectionString(azurite.endpoints.connectionString);
});
beforeEach(() => {
  queueName = `work-${crypto.randomUUID()}`;
});
afterEach(endHosts);

const start = (options: Partial<HostProcessOptions> & { queues?: object } = {}) =>
  startHost({
    app: 'queue.cjs',
    settings: { AzureWebJobsStorage: azurite.endpoints.connectionString, QUEUE_NAME: queueName },
    hostJson: {
      logging: { logLevel: { default: 'Trace' } },
      extensions: { queues: { maxPollingInterval: '00:00:00.200', ...options.queues } },
    },
    ...options,
  });
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

/** Polls a queue until it contains a message, and returns this message. */
async function firstMessage(name: string) {
  for (;;) {
    const { receivedMessageItems } = await queues
      .getQueueClient(name)
      .receiveMessages()
      .catch(() => ({ receivedMessageItems: [] }));
    if (receivedMessageItems[0] !== undefined) return receivedMessageItems[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the queue has neither visible nor invisible messages. */
async function empty(name: string) {
  while (((await queues.getQueueClient(name).getProperties()).approximateMessagesCount ?? 0) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a storage queue function', () => {
  it('creates its queue, and receives each parsed message once, with its metadata', async () => {
    const host = await start();
    const queue = queues.getQueueClient(queueName);
    const sent = await queue.sendMessage(base64({ number: 7 }));
    const { input, triggerMetadata = {} } = await host.record(() => true);
    expect(input).toEqual({ number: 7 });
    expect(triggerMetadata).toMatchObject({
      queueTrigger: { number: 7 },
      dequeueCount: 1,
      id: sent.messageId,
      insertionTime: sent.insertedOn.toISOString().replace('.000Z', '+00:00'),
      expirationTime: sent.expiresOn.toISOString().replace('.000Z', '+00:00'),
      popReceipt: expect.any(String),
    });
    expect(triggerMetadata).not.toHaveProperty('sys');
    // As in the runtime, nobody else sees the message for ten minutes.
    const hiddenFor = Date.parse(String(triggerMetadata.nextVisibleTime)) - sent.insertedOn.getTime();
    expect(hiddenFor).toBeGreaterThanOrEqual(600_000);
    await empty(queueName);
    expect(host.records).toHaveLength(1);
  });

  it('receives a failed message again until maxDequeueCount, and then the poison queue has the message', async () => {
    const host = await start({ queues: { maxDequeueCount: 3 } });
    await queues.getQueueClient(queueName).sendMessage(base64({ fail: true }));
    const poison = await firstMessage(`${queueName}-poison`);
    expect(poison.messageText).toBe(base64({ fail: true }));
    expect(host.records.map(({ triggerMetadata }) => triggerMetadata?.dequeueCount)).toEqual([1, 2, 3]);
    await empty(queueName);
    await host.logged(/ error work invocation .*will not do/);
  });

  it('receives a failed message again only after visibilityTimeout', async () => {
    const host = await start({ queues: { visibilityTimeout: '00:00:01' } });
    await queues.getQueueClient(queueName).sendMessage(base64({ fail: true }));
    const second = await host.record(({ triggerMetadata }) => triggerMetadata?.dequeueCount === 2);
    // Azurite rounds times to whole seconds, so less than one second can pass between the two attempts.
    expect(second.at - (host.records[0]?.at ?? 0)).toBeGreaterThan(500);
  });

  it('keeps its claim on a message while it works on the message', async () => {
    const host = await start({ queueClaimSeconds: 5 });
    await queues.getQueueClient(queueName).sendMessage(base64({ wait: true }));
    // When the host renews the claim for the second time, the time of the original claim is over.
    await host.logged(/claim on \S+ renewed[\s\S]*claim on \S+ renewed/);
    host.send('go on');
    await host.record(({ input }) => input === 'went on');
    await empty(queueName);
    expect(host.records).toHaveLength(2);
  });

  it('receives a message that a killed host had claimed when the claim has expired', async () => {
    const first = await start({ queueClaimSeconds: 5 });
    await queues.getQueueClient(queueName).sendMessage(base64({ wait: true }));
    await first.record(() => true);
    await first.end('SIGKILL');
    const second = await start();
    expect((await second.record(() => true)).triggerMetadata?.dequeueCount).toBe(2);
    second.send('go on');
    await empty(queueName);
  });

  it('receives plain messages with messageEncoding none, and otherwise moves messages that are not base64 to the poison queue', async () => {
    const plain = await start({ queues: { messageEncoding: 'none' } });
    await queues.getQueueClient(queueName).sendMessage('plain words');
    expect((await plain.record(() => true)).input).toBe('plain words');
    await empty(queueName);
    await plain.end();

    const encoded = await start();
    await queues.getQueueClient(queueName).sendMessage('plain words');
    expect((await firstMessage(`${queueName}-poison`)).messageText).toBe('plain words');
    expect(encoded.records).toEqual([]);
  });

  it('works on batchSize + newBatchThreshold messages at a time', async () => {
    const host = await start({ queues: { batchSize: 2, newBatchThreshold: 1 } });
    for (let i = 0; i < 5; i++) await queues.getQueueClient(queueName).sendMessage(base64({ wait: true, i }));
    await host.record(() => host.records.length === 2 || host.records.length === 3);
    host.send('go on');
    await host.record(() => host.records.filter(({ input }) => input === 'went on').length >= 2);
    expect(host.records.length).toBeGreaterThanOrEqual(4);
    host.send('go on');
    await host.record(() => host.records.length > 6);
  });
});
