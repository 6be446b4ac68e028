import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTableRecorder, type TableRecorder } from '../../../infra/bench/table-recorder.ts';
import { createJournal, type DriftRow, driftKey } from '../../../shared/drift/index.ts';
import { toEntity } from '../../../shared/drift/row-entity.ts';
import { GroupCommit, openTable } from '../../../shared/storage/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

const start = Date.UTC(2026, 0, 1);
const timeAt = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const count = 2500;
/** The largest number of bytes that a pass may read. */
const limit = 2_000_000;

let recorder: TableRecorder;
beforeAll(async () => {
  const azurite = await newStorageAccount();
  recorder = await startTableRecorder(azurite.endpoints.connectionString);
  const table = new GroupCommit(() => openTable(azurite.endpoints, 'TwinkeeperDrift'));
  await table.apply(rows.map((row) => ({ type: 'upsert', entity: toEntity(row, row.rowKey) })));
}, 120_000);
afterAll(() => recorder.close());

/**
 * Rows of one device, with one second between two rows. The oldest 100 rows have short values, and the first five of them are repairs. The
 * other rows have values of 4 KB.
 */
const rows = Array.from({ length: count }, (_, index): DriftRow => {
  const write = { version: index + 2, at: timeAt(index), exact: true };
  const actual = index < 100 ? 'wrong' : 'x'.repeat(4000);
  const last = { version: 9000, at: timeAt(index + 1), exact: true };
  const folded = index === 300 ? { times: 2, lastWrite: last, lastActual: 'x', foldedVersions: [9000] } : {};
  return driftRow('device', timeAt(index), {
    write,
    actual,
    outcome: index < 5 ? 'enforced' : 'superseded',
    ...folded,
  });
});

it('a pass reads at most 2 MB of a long history, with the rows that it needs', async () => {
  const journal = createJournal(recorder.endpoints);
  const old = rows[700];
  if (old === undefined) throw new Error('no row');
  const { result, requests } = await recorder.during(() => journal.read('device', timeAt(0), [old.rowKey]));
  expect(requests.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(limit);
  const versions = result.recent.map(({ write }) => write.version);
  expect(versions.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, (_, index) => count + 1 - index));
  // The guards need the repairs, the caller names one row, and one row has a folded write, whose event can come again.
  expect(versions.slice(1000)).toEqual([702, 302, 6, 5, 4, 3, 2]);
  expect(result.recent.find(({ write }) => write.version === 302)?.foldedVersions).toEqual([9000]);
});

it('a pass writes a departure again that is older than all rows which it read in order', async () => {
  const journal = createJournal(recorder.endpoints);
  const row = rows[600];
  if (row === undefined) throw new Error('no row');
  expect(driftKey(row)).toBe(row.rowKey);
  const known = await journal.read('device', timeAt(0), [row.rowKey]);
  expect(await journal.write('device', [{ ...row, outcome: 'heldBack' }], known)).toBe('written');
  expect((await journal.read('device')).open).toEqual([{ ...row, outcome: 'heldBack' }]);
});

it('a device without open rows costs one request', async () => {
  const journal = createJournal(recorder.endpoints);
  const { requests } = await recorder.during(() => journal.read('unknown', timeAt(0)));
  expect(requests).toHaveLength(1);
});
