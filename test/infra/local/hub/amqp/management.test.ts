import { expect, test } from 'vitest';
import { consumer, hubEvent, startEndpoint, tickingLog } from './support.ts';

test('$management describes the event hub', async () => {
  const log = tickingLog();
  const client = consumer(await startEndpoint(log));

  expect(await client.getEventHubProperties()).toEqual({
    name: 'local-hub',
    createdOn: log.createdAt,
    partitionIds: ['0', '1', '2', '3'],
    isGeoDrEnabled: false,
  });
});

test('$management describes the first and last event of a partition', async () => {
  const log = tickingLog();
  const client = consumer(await startEndpoint(log));
  const partitionId = log.partitionOf('a');
  for (const index of [0, 1, 2]) log.append(hubEvent('a', index));
  const last = log.events(partitionId).at(-1);

  expect(await client.getPartitionProperties(partitionId)).toEqual({
    eventHubName: 'local-hub',
    partitionId,
    isEmpty: false,
    beginningSequenceNumber: 0,
    lastEnqueuedSequenceNumber: 2,
    lastEnqueuedOffset: last?.offset,
    lastEnqueuedOnUtc: last?.enqueuedTime,
  });
});

test('$management describes an empty partition as empty', async () => {
  const client = consumer(await startEndpoint(tickingLog()));

  expect(await client.getPartitionProperties('3')).toMatchObject({
    isEmpty: true,
    beginningSequenceNumber: 0,
    lastEnqueuedSequenceNumber: -1,
    lastEnqueuedOffset: '-1',
    lastEnqueuedOnUtc: new Date('0001-01-01T00:00:00Z'),
  });
});

test('$management does not find an unknown event hub or partition', async () => {
  const endpoint = await startEndpoint(tickingLog());
  const missing = { code: 'MessagingEntityNotFoundError', message: expect.stringContaining('could not be found') };

  await expect(consumer(endpoint).getPartitionProperties('4')).rejects.toMatchObject(missing);
  await expect(consumer(endpoint, { hub: 'elsewhere' }).getEventHubProperties()).rejects.toMatchObject(missing);
  await expect(consumer(endpoint, { hub: 'elsewhere' }).getPartitionProperties('0')).rejects.toMatchObject(missing);
});
