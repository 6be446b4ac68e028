import { createJournal } from '../../shared/drift/index.ts';
import { toEntity } from '../../shared/drift/row-entity.ts';
import type { RawEvent } from '../../shared/events/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { toPolicySet } from '../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../shared/reconcile/index.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { startAzurite } from '../local/azurite.ts';
import { hubEvent } from '../local/hub/hub-events.ts';
import { deviceIdOf } from './fleet.ts';
import { rowAt } from './history-rows.ts';
import { startTableRecorder } from './table-recorder.ts';

/** Number of events that the app gets in one invocation. */
const eventsPerBatch = 256;
const properties = 100;
const names = Array.from({ length: properties }, (_, index) => `Setting_${index}`);

/** The storage requests and the time that it takes to record a number of drifts. */
export interface RecordingCost {
  readonly drifts: number;
  readonly writes: number;
  readonly reads: number;
  /** Duration in milliseconds. */
  readonly ms: number;
}

/**
 * Records and repairs `drifts` drifts with the app's event processor and a hub in memory that accepts every patch. Each device has
 * `perDevice` drifts. `firstDevice` is the number of the first device. Returns the duration in milliseconds.
 */
async function recordDrifts(
  account: StorageAccount,
  drifts: number,
  perDevice: number,
  firstDevice: number,
): Promise<number> {
  const policies = toPolicySet(
    [{ name: 'bench', module: 'Agent', desired: Object.fromEntries(names.map((name) => [name, 0])) }],
    { mode: 'enforce' },
  );
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
  const reconciler = new Reconciler({ policies, hub: acceptingHub(perDevice), journal: createJournal(account), log });
  const refuse = async () => {
    throw new Error('The processor must not defer a device.');
  };
  const processor = new EventProcessor({
    reconciler,
    queue: { put: refuse },
    deadLetters: { put: refuse } as never,
    log,
    retry: { firstDelay: 1, attempts: 1 },
  });
  const events = Array.from({ length: drifts / perDevice }, (_, index) => driftEvent(firstDevice + index, perDevice));
  const from = performance.now();
  for (let start = 0; start < events.length; start += eventsPerBatch) {
    const { deferred, unusable } = await processor.process(events.slice(start, start + eventsPerBatch));
    if (deferred + unusable > 0) throw new Error('The processor deferred or refused an event.');
  }
  return performance.now() - from;
}

/** Records drifts, and counts the requests to Table Storage. Rejects unless the history has every drift with the outcome `enforced`. */
export async function countTransactions(drifts: number, perDevice: number): Promise<RecordingCost> {
  const azurite = await startAzurite();
  const recorder = await startTableRecorder(azurite.endpoints.connectionString);
  try {
    const { result: ms, requests } = await recorder.during(() =>
      recordDrifts(recorder.endpoints, drifts, perDevice, 0),
    );
    await checkRows(azurite.endpoints, drifts);
    const reads = requests.filter(({ method }) => method === 'GET').length;
    return { drifts, writes: requests.length - reads, reads, ms };
  } finally {
    await recorder.close();
    await azurite.close();
  }
}

/**
 * Measures the drifts per second that the app records. Compares the app with a plain loop that stores one row for each drift. The two take
 * turns. `latency`: milliseconds that are added to each storage request.
 */
export async function measureRates(
  perDevice: number,
  latency: number,
): Promise<{ readonly ours: number; readonly plain: number }> {
  const azurite = await startAzurite();
  const recorder = latency > 0 ? await startTableRecorder(azurite.endpoints.connectionString, latency) : undefined;
  try {
    const account = recorder?.endpoints ?? azurite.endpoints;
    const plainTable = await openTable(account, 'Plain');
    const driftsPerRound = perDevice === 1 ? eventsPerBatch : 1000;
    const rounds = 6;
    const ms = { ours: 0, plain: 0 };
    for (let round = -1; round < rounds; round++) {
      const first = (round + 1) * driftsPerRound;
      const ours = await recordDrifts(account, driftsPerRound, perDevice, first);
      const from = performance.now();
      for (let index = 0; index < driftsPerRound; index++) {
        const row = rowAt(first + index);
        await plainTable.upsertEntity(toEntity(row, row.rowKey), 'Replace');
      }
      const plain = performance.now() - from;
      if (round < 0) continue;
      ms.ours += ours;
      ms.plain += plain;
    }
    const drifts = rounds * driftsPerRound;
    return { ours: (drifts / ms.ours) * 1000, plain: (drifts / ms.plain) * 1000 };
  } finally {
    await recorder?.close();
    await azurite.close();
  }
}

async function checkRows(account: StorageAccount, drifts: number): Promise<void> {
  const table = await openTable(account, 'TwinkeeperTimeline');
  let enforced = 0;
  for await (const { outcome } of table.listEntities<{ outcome: string }>()) if (outcome === 'enforced') enforced++;
  if (enforced !== drifts) throw new Error(`${enforced} of ${drifts} drifts are recorded as enforced.`);
}

const writtenAt = '2026-06-30T08:00:00.0000000Z';

/** The desired properties of a twin in which `perDevice` properties have wrong values, with the metadata of the properties. */
function driftedSection(perDevice: number) {
  const wrong = names.slice(0, perDevice);
  const written = { $lastUpdated: writtenAt, $lastUpdatedVersion: 7 };
  return {
    patch: Object.fromEntries(wrong.map((name) => [name, 5])),
    metadata: { ...written, ...Object.fromEntries(wrong.map((name) => [name, written])) },
  };
}

function driftEvent(number: number, perDevice: number): RawEvent {
  const { patch, metadata } = driftedSection(perDevice);
  const desired = { ...patch, $metadata: metadata, $version: 7 };
  const target = { deviceId: deviceIdOf(number), moduleId: 'Agent' };
  const event = hubEvent(
    'bench-hub',
    target,
    'updateTwin',
    { version: 9, properties: { desired } },
    Date.parse(writtenAt),
  );
  return {
    body: JSON.parse(event.body.toString()),
    properties: event.applicationProperties,
    systemProperties: { ...event.annotations, 'correlation-id': event.correlationId },
  };
}

/** A hub in memory. Its twins have the drift that the events report. Every patch succeeds. */
function acceptingHub(perDevice: number): Hub {
  const { patch, metadata } = driftedSection(perDevice);
  const expected = Object.fromEntries(names.map((name) => [name, 0]));
  const desired = { properties: { ...expected, ...patch }, metadata, version: 7 };
  const hub: Pick<Hub, 'name' | 'readTwin' | 'patchDesired'> = {
    name: 'bench-hub',
    readTwin: async (deviceId, moduleId) => ({
      ok: true,
      value: {
        deviceId,
        moduleId,
        etag: 'x',
        version: 9,
        tags: {},
        desired,
        reported: { properties: {}, metadata: {}, version: 1 },
        edge: false,
      },
    }),
    patchDesired: async () => ({ ok: true, value: undefined }),
  };
  return hub as Hub;
}
