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

/** As many events as one invocation brings. */
const eventsPerBatch = 256;
const properties = 100;
const names = Array.from({ length: properties }, (_, index) => `Setting_${index}`);

export interface Recorded {
  readonly drifts: number;
  readonly writes: number;
  readonly reads: number;
  readonly ms: number;
}

/** Has so many drifts recorded and mended, so many on each device, by the app's own parts and a hub that says yes to all. */
async function record(account: StorageAccount, drifts: number, perDevice: number, first: number): Promise<number> {
  const policies = toPolicySet(
    [{ name: 'bench', module: 'Agent', desired: Object.fromEntries(names.map((name) => [name, 0])) }],
    { mode: 'enforce' },
  );
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
  const reconciler = new Reconciler({ policies, hub: agreeableHub(perDevice), journal: createJournal(account), log });
  const refuse = async () => {
    throw new Error('Nothing is to be put off.');
  };
  const processor = new EventProcessor({
    reconciler,
    queue: { put: refuse },
    deadLetters: { put: refuse } as never,
    log,
    retry: { firstDelay: 1, attempts: 1 },
  });
  const events = Array.from({ length: drifts / perDevice }, (_, index) => driftEvent(first + index, perDevice));
  const from = performance.now();
  for (let start = 0; start < events.length; start += eventsPerBatch) {
    const { deferred, unusable } = await processor.process(events.slice(start, start + eventsPerBatch));
    if (deferred + unusable > 0) throw new Error('Not every event was dealt with.');
  }
  return performance.now() - from;
}

/** Counts the requests that it takes to record drifts. @throws Where not each of them is on record as mended. */
export async function countTransactions(drifts: number, perDevice: number): Promise<Recorded> {
  const azurite = await startAzurite();
  const recorder = await startTableRecorder(azurite.endpoints.connectionString);
  try {
    const { result: ms, requests } = await recorder.during(() => record(recorder.endpoints, drifts, perDevice, 0));
    await checkRows(azurite.endpoints, drifts);
    const reads = requests.filter(({ method }) => method === 'GET').length;
    return { drifts, writes: requests.length - reads, reads, ms };
  } finally {
    await recorder.close();
    await azurite.close();
  }
}

/** Drifts per second, ours and those of a bare loop that stores a row each, in turns on one storage that is so many milliseconds away. */
export async function measureRates(
  perDevice: number,
  latency: number,
): Promise<{ readonly ours: number; readonly bare: number }> {
  const azurite = await startAzurite();
  const recorder = latency > 0 ? await startTableRecorder(azurite.endpoints.connectionString, latency) : undefined;
  try {
    const account = recorder?.endpoints ?? azurite.endpoints;
    const bareTable = await openTable(account, 'Bare');
    const perTurn = perDevice === 1 ? eventsPerBatch : 1000;
    const turns = 6;
    const ms = { ours: 0, bare: 0 };
    for (let turn = -1; turn < turns; turn++) {
      const first = (turn + 1) * perTurn;
      const ours = await record(account, perTurn, perDevice, first);
      const from = performance.now();
      for (let index = 0; index < perTurn; index++) {
        const row = rowAt(first + index);
        await bareTable.upsertEntity(toEntity(row, row.rowKey), 'Replace');
      }
      const bare = performance.now() - from;
      if (turn < 0) continue;
      ms.ours += ours;
      ms.bare += bare;
    }
    const drifts = turns * perTurn;
    return { ours: (drifts / ms.ours) * 1000, bare: (drifts / ms.bare) * 1000 };
  } finally {
    await recorder?.close();
    await azurite.close();
  }
}

async function checkRows(account: StorageAccount, drifts: number): Promise<void> {
  const table = await openTable(account, 'TwinkeeperTimeline');
  let enforced = 0;
  for await (const { outcome } of table.listEntities<{ outcome: string }>()) if (outcome === 'enforced') enforced++;
  if (enforced !== drifts) throw new Error(`Of ${drifts} drifts, ${enforced} are on record as mended.`);
}

const writtenAt = '2026-06-30T08:00:00.0000000Z';

function sectionOf(perDevice: number) {
  const wrong = names.slice(0, perDevice);
  const written = { $lastUpdated: writtenAt, $lastUpdatedVersion: 7 };
  return {
    patch: Object.fromEntries(wrong.map((name) => [name, 5])),
    metadata: { ...written, ...Object.fromEntries(wrong.map((name) => [name, written])) },
  };
}

function driftEvent(number: number, perDevice: number): RawEvent {
  const { patch, metadata } = sectionOf(perDevice);
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

/** A hub in memory on which each twin is as the events say, and every change succeeds. */
function agreeableHub(perDevice: number): Hub {
  const { patch, metadata } = sectionOf(perDevice);
  const right = Object.fromEntries(names.map((name) => [name, 0]));
  const desired = { properties: { ...right, ...patch }, metadata, version: 7 };
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
