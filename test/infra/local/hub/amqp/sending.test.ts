import { earliestEventPosition } from '@azure/event-hubs';
import rhea, { type EventContext } from 'rhea';
import { expect, test } from 'vitest';
import { ingest } from '../../../../../infra/local/hub/amqp/ingest.ts';
import { consumer, producer, rawConnection, startEndpoint, subscribe, tickingLog } from './support.ts';

const earliest = { startPosition: earliestEventPosition };

test('an event of a producer is received unchanged', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  await producer(endpoint).sendBatch(
    [
      { body: { a: 1 }, properties: { text: 'x', number: 5, flag: true }, contentType: 'text/x', messageId: 'm' },
      { body: Buffer.from([0xff, 0x00]) },
      { body: 'no object' },
      { body: null },
    ],
    { partitionId: '2' },
  );

  const events = await subscribe(consumer(endpoint), { ...earliest, partitionId: '2' }).received(4);

  expect(events.map(({ body }) => body)).toEqual([{ a: 1 }, Buffer.from([0xff, 0x00]), 'no object', null]);
  expect(events[0]).toMatchObject({
    properties: { text: 'x', number: 5, flag: true },
    contentType: 'text/x',
    messageId: 'm',
    sequenceNumber: 0,
  });
  expect(events[0]?.partitionKey).toBeUndefined();
});

test('an event with a partition key goes to the partition of that device', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  for (const partitionKey of ['a', 'b', 'c'])
    await producer(endpoint).sendBatch([{ body: partitionKey }], { partitionKey });

  const events = await subscribe(consumer(endpoint), earliest).received(3);

  expect(events.map((event) => event.partitionKey).toSorted()).toEqual(['a', 'b', 'c']);
  for (const key of ['a', 'b', 'c']) {
    expect(log.events(log.partitionOf(key)).map(({ deviceId }) => deviceId)).toContain(key);
  }
});

test('events without key and partition are spread over all partitions', async () => {
  const log = tickingLog();
  const client = producer(await startEndpoint(log));
  await client.sendBatch(Array.from({ length: 8 }, (_, body) => ({ body })));

  expect(log.partitionIds.map((partitionId) => log.events(partitionId).length)).toEqual([2, 2, 2, 2]);
});

test('a body of one MiB is accepted, and a larger message is refused as too large', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  const client = producer(endpoint);
  await client.sendBatch([{ body: Buffer.alloc(1024 * 1024, 7) }], { partitionId: '0' });

  const [event] = await subscribe(consumer(endpoint), { ...earliest, partitionId: '0' }).received(1);

  expect(event?.body).toEqual(Buffer.alloc(1024 * 1024, 7));
  await expect(client.sendBatch([{ body: Buffer.alloc(3 * 1024 * 1024) }])).rejects.toMatchObject({
    code: 'MessageTooLargeError',
  });
});

test('a batch with an incomplete message is refused as a whole', () => {
  const log = tickingLog();
  const good = rhea.message.encode({ body: 'good' });
  const batch = rhea.message.encode({ body: rhea.message.data_sections([good, good.subarray(0, good.length - 2)]) });

  expect(() => ingest(log, batch, 0x80013700, '0')).toThrow(
    expect.objectContaining({ condition: 'amqp:decode-error' }),
  );
  expect(log.events('0')).toHaveLength(0);
});

test('an unknown request to $cbs gets the status 501', async () => {
  const connection = rawConnection(await startEndpoint(tickingLog()));
  const session = connection.create_session();
  session.open();
  const answers = session.open_receiver('$cbs');
  const requests = session.open_sender('$cbs');
  const answer = new Promise<EventContext>((resolve) => answers.once('message', resolve));
  requests.once('sendable', () => requests.send({ message_id: 'q', body: null }));

  expect((await answer).message).toMatchObject({
    correlation_id: 'q',
    application_properties: { 'status-code': 501, 'error-condition': 'amqp:not-implemented' },
  });
});
