import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createHistory,
  createJournal,
  createOpenList,
  createRollups,
  type Departure,
  type DriftRow,
  isOpen,
  type Outcome,
} from '../../../shared/drift/index.ts';
import { DeviceRows } from '../../../shared/reconcile/device-rows.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});
afterAll(restore);

/**
 * Counts the calls of Table Storage, and simulates a crash of the process at the call with the number `killAt`. 0 means no crash. `when`
 * says whether the process crashes before or after storage carries the call out. After the crash, all calls fail.
 */
const storage = { calls: 0, killAt: 0, when: 'before' as 'before' | 'after', isDead: false };
/**
 * A function that is awaited before each call of storage. In the test with two passes, a scheduler uses it to set the order of the calls.
 */
let turn: () => Promise<unknown> = async () => {};
const original = new Map<string, unknown>();
for (const name of ['submitTransaction', 'getEntity', 'upsertEntity', 'deleteEntity'] as const) {
  const call = TableClient.prototype[name] as (...args: unknown[]) => Promise<unknown>;
  original.set(name, call);
  const mortal = async function (this: TableClient, ...args: unknown[]) {
    await turn();
    if (storage.isDead) throw new Error('killed');
    const isLast = ++storage.calls === storage.killAt;
    if (isLast) storage.isDead = true;
    if (isLast && storage.when === 'before') throw new Error('killed');
    const result = await call.apply(this, args);
    if (storage.isDead) throw new Error('killed');
    return result;
  };
  Object.assign(TableClient.prototype, { [name]: mortal });
}
function restore(): void {
  for (const [name, call] of original) Object.assign(TableClient.prototype, { [name]: call });
}

/**
 * A simple twin: for each property that is out of line, the version of the write that caused the drift. A compliant property has no entry.
 */
type Twin = Map<string, number>;
/** The outcome that a pass gives to all departures of the twin. */
type PassOutcome = Extract<Outcome, 'audited' | 'heldBack' | 'enforced' | 'deferred' | 'failed'>;

let time = Date.UTC(2026, 2, 1);
/** Time of the first write of the current run. Later than all times of earlier runs, so that a run reads only its own rows. */
let start = time;
const clock = () => new Date(time);

/** Begins a run: the time moves to a day without rows. */
function beginRun(): void {
  time += 86_400_000;
  start = time;
}

/**
 * Runs a pass over a device, with the steps of the reconciler: read rows and twin, store `pending` rows, change the twin, store the
 * outcomes. A pass with the outcome `enforced` repairs the twin.
 */
async function pass(deviceId: string, twin: Twin, outcome: PassOutcome): Promise<void> {
  const journal = createJournal(azurite.endpoints, clock);
  for (let round = 0; round < 20; round++) {
    time += 400_000;
    const now = clock().toISOString();
    await turn();
    const deviceRows = new DeviceRows(await journal.read(deviceId, new Date(start).toISOString()), {
      hub: 'hub',
      source: 'event',
      now: () => now,
    });
    await turn();
    const etag = JSON.stringify([...twin]);
    const current = new Set<string>();
    const pending: DriftRow[] = [];
    for (const [path, version] of twin) {
      const row = deviceRows.rowFromTwin(departure(deviceId, path, version), undefined);
      current.add(row.rowKey);
      if (outcome === 'audited' || outcome === 'heldBack') deviceRows.setOutcome(row, outcome);
      else pending.push(deviceRows.setOutcome(row, 'pending'));
    }
    for (const row of deviceRows.openRows('Agent')) if (!current.has(row.rowKey)) deviceRows.close(row, 'healed');
    const write = async () => {
      const { rows, known } = deviceRows.takeChanges();
      return rows.length === 0 ? 'written' : journal.write(deviceId, rows, known);
    };
    if ((await write()) === 'conflict') continue;
    await turn();
    if (pending.length > 0 && outcome === 'enforced') {
      if (JSON.stringify([...twin]) !== etag) continue;
      twin.clear();
    }
    for (const row of pending) deviceRows.setOutcome(row, outcome);
    if ((await write()) === 'written') return;
  }
  throw new Error('The pass has too many conflicts.');
}

function departure(deviceId: string, path: string, version: number): Departure {
  const write = { version, at: new Date(start + version * 1000).toISOString(), exact: true };
  return {
    deviceId,
    moduleId: 'Agent',
    policy: 'agent',
    path,
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write,
    mode: 'enforce',
  };
}

const byKey = (rows: readonly DriftRow[]) => rows.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));

/**
 * Reads the stored rows of the devices: from the journal, from the timeline, and from the open list before and after the list was compared
 * with the journal.
 */
async function storedRows(devices: readonly string[]) {
  const history = createHistory(azurite.endpoints, clock);
  const isOfDevices = ({ deviceId }: DriftRow) => devices.includes(deviceId);
  const rows: DriftRow[] = [];
  for (const deviceId of devices) rows.push(...(await collect(history.rows({ deviceId }))));
  const list = createOpenList(azurite.endpoints, () => new Date(Date.now() + 3600_000));
  const timeline = (await collect(history.rows({ from: new Date(start).toISOString() }))).filter(isOfDevices);
  const before = (await list.page(10_000)).rows.filter(isOfDevices);
  await list.confirm(before);
  return {
    rows: byKey(rows),
    timeline: byKey(timeline),
    listedBefore: new Set(before.map(({ rowKey }) => rowKey)),
    listed: byKey((await history.open({}, 10_000)).rows.filter(isOfDevices)),
  };
}

async function expectAgreement(devices: readonly string[]): Promise<void> {
  const { rows, timeline, listed, listedBefore } = await storedRows(devices);
  expect(rows.filter(({ outcome }) => outcome === 'pending')).toEqual([]);
  expect(timeline).toEqual(rows);
  const open = rows.filter(isOpen);
  expect(open.filter(({ rowKey }) => !listedBefore.has(rowKey))).toEqual([]);
  expect(listed).toEqual(open);
  // Only the rows of these devices are open, because each run closes its rows.
  const rollups = createRollups(azurite.endpoints, clock);
  expect((await rollups.openCounts()).total).toBe(open.length);
  expect((await rollups.refresh([])).total).toBe(open.length);
  // Closes all rows, so that the list of open rows does not grow with the number of runs.
  for (const deviceId of devices) await pass(deviceId, new Map(), 'audited');
}

let runs = 0;
const outcomes = fc.constantFrom<PassOutcome>('audited', 'heldBack', 'enforced', 'deferred', 'failed');
const change = fc.record({
  device: fc.nat(1),
  path: fc.constantFrom('a', 'b'),
  becomes: fc.constantFrom('wrong', 'right', 'same'),
  outcome: outcomes,
  /** The outcome of the pass that repeats the work after the crash. This outcome can differ from `outcome`. */
  outcomeAfterCrash: fc.constantFrom<PassOutcome>('audited', 'heldBack', 'enforced', 'failed'),
  killAt: fc.integer({ min: 0, max: 9 }),
  when: fc.constantFrom('before', 'after'),
});

describe('journal, timeline and open list', () => {
  it('agree after the process was killed at any call and the work was repeated', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        beginRun();
        const devices = [`run${++runs}-a`, `run${runs}-b`];
        const twins: readonly Twin[] = [new Map(), new Map()];
        let version = 0;
        for (const { device, path, becomes, outcome, outcomeAfterCrash, killAt, when } of changes) {
          const twin = twins[device] ?? new Map();
          const deviceId = devices[device] ?? '';
          if (becomes === 'wrong') twin.set(path, ++version);
          if (becomes === 'right') twin.delete(path);
          Object.assign(storage, { calls: 0, killAt, when, isDead: false });
          const isKilled = await pass(deviceId, twin, outcome).then(
            () => false,
            (error: Error) => {
              if (error.message !== 'killed') throw error;
              return true;
            },
          );
          Object.assign(storage, { killAt: 0, isDead: false });
          if (isKilled) await pass(deviceId, twin, outcomeAfterCrash);
        }
        await expectAgreement(devices);
      }),
      { numRuns: 60 },
    );
  }, 240_000);

  it('agree after two passes over one device interfere in any order', async () => {
    const step = fc.record({
      path: fc.constantFrom('a', 'b'),
      becomes: fc.constantFrom('wrong', 'right', 'same'),
      known: outcomes,
      racing: fc.tuple(outcomes, outcomes),
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 1, maxLength: 4 }), async (scheduler, steps) => {
        beginRun();
        const deviceId = `run${++runs}-racing`;
        const twin: Twin = new Map();
        let version = 0;
        for (const { path, becomes, known, racing } of steps) {
          twin.set(path, ++version);
          await pass(deviceId, twin, known);
          if (becomes === 'wrong') twin.set(path, ++version);
          if (becomes === 'right') twin.delete(path);
          turn = () => scheduler.schedule(Promise.resolve());
          try {
            await scheduler.waitFor(Promise.all(racing.map((outcome) => pass(deviceId, twin, outcome))));
          } finally {
            turn = async () => {};
          }
        }
        await expectAgreement([deviceId]);
      }),
      { numRuns: 60 },
    );
  }, 240_000);
});
