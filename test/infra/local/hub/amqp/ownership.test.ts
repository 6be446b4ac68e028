import { earliestEventPosition } from '@azure/event-hubs';
import { expect, test } from 'vitest';
import { consumer, hubEvent, startEndpoint, subscribe, tickingLog } from './support.ts';

const stolen = { code: 'ReceiverDisconnectedError' };

async function onePartition() {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  log.append(hubEvent('a', 'first'));
  const read = (ownerLevel: number | undefined, group = '$Default') =>
    subscribe(consumer(endpoint, { group }), {
      partitionId: log.partitionOf('a'),
      startPosition: earliestEventPosition,
      ...(ownerLevel !== undefined && { ownerLevel }),
    });
  return { log, read };
}

test('a reader with a higher owner level takes over the partition and keeps reading', async () => {
  const { log, read } = await onePartition();
  const lower = read(1);
  await lower.received(1);

  const higher = read(2);

  expect(await lower.failed).toMatchObject({ ...stolen, message: expect.stringContaining("higher epoch of '2'") });
  await higher.received(1);
  log.append(hubEvent('a', 'second'));
  expect(await higher.received(2)).toHaveLength(2);
  expect(lower.events).toHaveLength(1);
});

test('a later reader with an equal owner level takes over the partition', async () => {
  const { read } = await onePartition();
  const before = read(3);
  await before.received(1);

  const after = read(3);

  expect(await before.failed).toMatchObject(stolen);
  expect(await after.received(1)).toHaveLength(1);
});

test('a reader with a lower or no owner level is refused while a higher one reads', async () => {
  const { log, read } = await onePartition();
  const higher = read(2);
  await higher.received(1);

  expect(await read(1).failed).toMatchObject({ ...stolen, message: expect.stringContaining('already exists') });
  expect(await read(undefined).failed).toMatchObject(stolen);

  log.append(hubEvent('a', 'second'));
  expect(await higher.received(2)).toHaveLength(2);
});

test('a reader with an owner level takes over from readers without one', async () => {
  const { read } = await onePartition();
  const shared = [read(undefined), read(undefined)];
  for (const reader of shared) await reader.received(1);

  const owner = read(1);

  for (const reader of shared) expect(await reader.failed).toMatchObject(stolen);
  expect(await owner.received(1)).toHaveLength(1);
});

test('an owner level applies to its consumer group only, and ends with its reader', async () => {
  const { read } = await onePartition();
  const owner = read(5);
  await owner.received(1);

  expect(await read(1, 'another').received(1)).toHaveLength(1);
  await owner.close();
  expect(await read(1).received(1)).toHaveLength(1);
});

test('five readers without an owner level share a partition, and a sixth is refused', async () => {
  const { read } = await onePartition();
  for (let index = 0; index < 5; index += 1) await read(undefined).received(1);

  expect(await read(undefined).failed).toMatchObject({ code: 'QuotaExceededError' });
});
