/** Tests the history with tables that an older version of the app has written, before rows kept their transitions. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createHistory,
  createJournal,
  createOpenList,
  createOpenSnapshots,
  createRollups,
  type DriftRow,
  isOpen,
  stateAt,
  withOutcome,
} from '../../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

type Line =
  | { readonly table: string; readonly entity: { readonly partitionKey: string; readonly rowKey: string } }
  | { readonly row: DriftRow };

// Each line has an entity of a table, or a row as the code of commit dc4d3722 stored it.
const file = join(import.meta.dirname, 'old-tables/tables-v1.ndjson');
const at = (minute: number) => new Date(Date.UTC(2026, 8, 10, 9, minute)).toISOString();
const now = () => new Date(at(100));
const range = { from: at(0), to: at(90) };
let account: StorageAccount;
let rows: readonly DriftRow[];
/** The rows that the index has. A `pending` row is in the journal only, until it has its first outcome. */
let indexed: readonly DriftRow[];

beforeAll(async () => {
  account = (await newStorageAccount()).endpoints;
  const lines = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  for (const line of lines) if ('table' in line) await (await openTable(account, line.table)).upsertEntity(line.entity);
  rows = lines.flatMap((line) => ('row' in line ? [line.row] : []));
  indexed = rows.filter(({ outcome }) => outcome !== 'pending');
});

/** The row without what only this version adds. */
const asStored = ({ transitions: _, ...row }: DriftRow) => row;
const byDevice = (list: readonly DriftRow[]) => list.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));

describe('rows of the first format', () => {
  it('are all there by time and by device, with every field, and with their last outcome as their course', async () => {
    const history = createHistory(account, now);
    const found = await collect(history.rows(range));
    expect(byDevice(found.map(asStored) as DriftRow[])).toEqual(byDevice(indexed));
    for (const row of rows) {
      const [own] = (await history.page({ deviceId: row.deviceId }, 10)).rows;
      expect(own?.transitions ?? []).toEqual([
        ...(row.outcome === 'pending'
          ? []
          : [{ at: row.outcomeAt, outcome: row.outcome, ...(row.error === undefined ? {} : { reason: row.error }) }]),
        ...(row.closedAt === undefined ? [] : [{ at: row.closedAt, outcome: 'ended' }]),
      ]);
    }
  });

  it('are found by their outcome, as one that they have now and as one that they had', async () => {
    const history = createHistory(account, now);
    for (const filter of ['outcome', 'outcomeNow'] as const) {
      const { rows: held } = await history.page({ ...range, [filter]: 'heldBack' }, 10);
      expect(held.map(({ deviceId }) => deviceId)).toEqual(['folded', 'held']);
    }
  });

  it('are open when they were, in the open list, at a time and in a snapshot', async () => {
    const history = createHistory(account, now);
    const open = indexed.filter(isOpen).map(({ deviceId }) => deviceId);
    expect(byDevice((await history.open({}, 100)).rows).map(({ deviceId }) => deviceId)).toEqual(open.toSorted());
    await createOpenSnapshots(account, () => new Date(at(91))).takeDaily();
    for (const minute of [90, 95]) {
      const { rows: then } = await history.during({ openFrom: at(minute), openTo: at(minute + 1) }, 100);
      expect(byDevice(then).map(({ deviceId }) => deviceId)).toEqual(open.toSorted());
    }
    const ended = rows.find(({ deviceId }) => deviceId === 'ended') as DriftRow;
    expect([stateAt(ended, at(8))?.outcome, stateAt(ended, at(9))]).toEqual(['audited', undefined]);
  });

  it('are counted, and removed from the open list when they end', async () => {
    const { total, buckets } = await createRollups(account, now).summary(at(0), at(90), 1);
    expect([total, buckets.length]).toEqual([indexed.length, 1]);
    const open = createOpenList(account, now);
    expect((await open.confirm((await open.page(100)).rows)).length).toBe(indexed.filter(isOpen).length);
    const journal = createJournal(account, now);
    const known = await journal.read('held', at(-1000));
    const held = rows.find(({ deviceId }) => deviceId === 'held') as DriftRow;
    const ended = withOutcome(held, { outcome: 'enforced', at: at(99), by: 'sweep' });
    expect(await journal.write('held', [ended], known)).toBe('written');
    const [row] = (await createHistory(account, now).page({ deviceId: 'held' }, 10)).rows;
    expect(row).toMatchObject({ v: 2, transitions: [{ outcome: 'heldBack' }, { outcome: 'enforced', by: 'sweep' }] });
    expect((await createHistory(account, now).open({ deviceId: 'held' }, 10)).rows).toEqual([]);
  });
});
