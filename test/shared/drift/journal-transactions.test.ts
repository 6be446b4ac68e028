import { TableClient } from '@azure/data-tables';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createHistory,
  createJournal,
  type DriftRow,
  type Journal,
  noKnownRows,
  type Outcome,
} from '../../../shared/drift/index.ts';
import { DeviceRows } from '../../../shared/reconcile/device-rows.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

const begin = Date.UTC(2026, 0, 1);
const now = () => new Date(begin + 3600_000);
let azurite: TestStorage;
let journal: Journal;
beforeAll(async () => {
  azurite = await newStorageAccount();
  journal = createJournal(azurite.endpoints, now);
});
afterEach(() => vi.restoreAllMocks());

let devices = 0;
const newDevice = () => `many-${++devices}`;

/** Rows of the property `mode`. Each has a write that is 100 ms later than the write of the row before. */
function rowsOf(deviceId: string, count: number, more: Partial<DriftRow> = {}): readonly DriftRow[] {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(begin + index * 100).toISOString();
    return driftRow(deviceId, at, { write: { version: index + 2, at, exact: true }, outcome: 'pending', ...more });
  });
}

/** The outcomes of the rows: each row was replaced by the next one, and the last row has the outcome `last`. */
const withOutcomes = (rows: readonly DriftRow[], last: Outcome) =>
  rows.map((row, index): DriftRow => ({ ...row, outcome: index === rows.length - 1 ? last : 'superseded' }));

const storedRows = async (deviceId: string) =>
  (await collect(createHistory(azurite.endpoints, now).rows({ deviceId }))).toReversed();

describe('rows of one property', () => {
  it.each([99, 100, 101, 250])('can be written %i at a time, and updated', async (count) => {
    const id = newDevice();
    const rows = rowsOf(id, count);
    const known = noKnownRows();
    expect(await journal.write(id, rows, known)).toBe('written');
    expect(await storedRows(id)).toEqual(rows);
    expect((await journal.read(id)).open).toEqual(rows.slice(-1));

    const decided = withOutcomes(rows, 'heldBack');
    expect(await journal.write(id, decided, { open: rows, recent: rows, etags: known.etags })).toBe('written');
    expect(await storedRows(id)).toEqual(decided);
    expect((await journal.read(id)).open).toEqual(decided.slice(-1));
  });

  it('need no transaction of more than 4 MiB, whatever characters their values have', async () => {
    const submit = vi.spyOn(TableClient.prototype, 'submitTransaction');
    const id = newDevice();
    const rows = rowsOf(id, 70, { expected: 'ア'.repeat(10_000), actual: 'ア'.repeat(10_000), outcome: 'audited' });
    expect(await journal.write(id, rows, noKnownRows())).toBe('written');
    expect(await storedRows(id)).toEqual(rows);
    expect((await journal.read(id)).open).toEqual(rows.slice(-1));
    const sizes = submit.mock.calls.map(([actions]) => actions.map(([, entity]) => JSON.stringify(entity)).join(''));
    expect(Math.max(...sizes.map((text) => Buffer.byteLength(text)))).toBeLessThan(4 * 1024 * 1024);
  });

  it('are complete after a crash at any call of storage, when the work is repeated', async () => {
    const count = 130;
    const calls = await recordUntilCrash(newDevice(), count, 0);
    expect(calls).toBeGreaterThan(8);
    for (let killAt = 1; killAt <= calls; killAt++) {
      const id = newDevice();
      await recordUntilCrash(id, count, killAt);
      await recordUntilCrash(id, count, 0);
      const rows = await storedRows(id);
      expect(rows.map(({ outcome }) => outcome)).toEqual(withOutcomes(rowsOf(id, count), 'heldBack').map(outcomeOf));
      expect((await journal.read(id)).open).toEqual(rows.slice(-1));
      const { rows: listed } = await createHistory(azurite.endpoints, now).open({}, 1000);
      expect(listed.filter(({ deviceId }) => deviceId === id)).toEqual(rows.slice(-1));
    }
  }, 240_000);
});

const outcomeOf = ({ outcome }: DriftRow) => outcome;

/**
 * Records `count` departures of one property, as the pass of an event batch does: first as `pending`, then with their outcomes. The process
 * crashes at the transaction with the number `killAt`, and every other crash happens after storage carried out the transaction. 0 means no
 * crash. Returns the number of transactions.
 */
async function recordUntilCrash(deviceId: string, count: number, killAt: number): Promise<number> {
  let calls = 0;
  const submit = TableClient.prototype.submitTransaction;
  const spy = vi.spyOn(TableClient.prototype, 'submitTransaction').mockImplementation(async function (
    this: TableClient,
    actions,
  ) {
    calls++;
    if (killAt > 0 && calls > killAt) throw new Error('killed');
    if (calls === killAt && killAt % 2 === 0) throw new Error('killed');
    const result = await submit.call(this, actions);
    if (calls === killAt) throw new Error('killed');
    return result;
  });
  try {
    const own = createJournal(azurite.endpoints, now);
    const deviceRows = new DeviceRows(await own.read(deviceId, new Date(begin).toISOString()), {
      hub: 'hub',
      source: 'event',
      now: () => now().toISOString(),
    });
    const write = async () => {
      const { rows, known } = deviceRows.takeChanges();
      if (rows.length > 0) expect(await own.write(deviceId, rows, known)).toBe('written');
    };
    const departures = rowsOf(deviceId, count);
    const rows = departures.map(({ deviceId, moduleId, policy, path, kind, expected, actual, write, mode }) =>
      deviceRows.rowFromEvent(
        { deviceId, moduleId, policy, path, kind, expected, actual, write, mode },
        { operationTimestamp: write.at },
      ),
    );
    for (const row of rows.slice(0, -1)) deviceRows.close(row, 'superseded');
    await write();
    for (const row of rows.slice(-1)) deviceRows.setOutcome(row, 'heldBack');
    await write();
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'killed') throw error;
  } finally {
    spy.mockRestore();
  }
  return calls;
}
