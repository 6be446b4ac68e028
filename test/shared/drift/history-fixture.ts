import { beforeAll, beforeEach, expect } from 'vitest';
import {
  createHistory,
  createJournal,
  type DriftRow,
  type History,
  type HistoryPage,
  type Journal,
} from '../../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

const tables = [
  'TwinkeeperDrift',
  'TwinkeeperTimeline',
  'TwinkeeperOpen',
  'TwinkeeperRollups',
  'TwinkeeperSnapshots',
] as const;
const begin = Date.UTC(2026, 0, 10, 0, 0, 0);

/** The time that is `minute` minutes after 2026-01-10T00:00Z, ISO 8601. */
export const at = (minute: number) => new Date(begin + minute * 60_000).toISOString();

/** A history in the tables of Azurite. The tests set the clock. */
export interface HistoryFixture {
  account: StorageAccount;
  history: History;
  journal: Journal;
  /** The current time of the clock, in milliseconds since 1970. */
  time: number;
  now(): Date;
  /** Reads the rows of each device from the journal, and writes the new rows to the journal. */
  record(...rows: readonly DriftRow[]): Promise<void>;
  /** Empties the tables. */
  clear(): Promise<void>;
}

/** Starts Azurite for the tests of a file. Before each test, the tables are emptied, and the clock is set to minute 1440. */
export function useHistory(): HistoryFixture {
  let azurite: TestStorage;
  const fixture = {
    time: begin,
    now: () => new Date(fixture.time),
    async record(...rows) {
      const { journal } = fixture;
      for (const [deviceId, deviceRows] of Map.groupBy(rows, (row) => row.deviceId)) {
        const known = await journal.read(deviceId, at(-1_000_000));
        expect(await journal.write(deviceId, deviceRows, known)).toBe('written');
      }
    },
    async clear() {
      for (const name of tables) {
        const table = await openTable(fixture.account, name);
        for (const { partitionKey, rowKey } of await collect(table.listEntities())) {
          await table.deleteEntity(String(partitionKey), String(rowKey));
        }
      }
    },
  } as HistoryFixture;
  beforeAll(async () => {
    azurite = await newStorageAccount();
    fixture.account = azurite.endpoints;
    fixture.journal = createJournal(fixture.account, fixture.now);
    fixture.history = createHistory(fixture.account, fixture.now);
  });
  beforeEach(async () => {
    fixture.time = Date.parse(at(24 * 60));
    await fixture.clear();
  });
  return fixture;
}

/** Reads all pages of results and returns their rows. Calls `between` after each page. */
export async function allPages(
  page: (cursor?: string) => Promise<HistoryPage>,
  between: () => Promise<void> = async () => {},
): Promise<readonly DriftRow[]> {
  const rows: DriftRow[] = [];
  let cursor: string | undefined;
  do {
    const next = await page(cursor);
    rows.push(...next.rows);
    cursor = next.cursor;
    await between();
  } while (cursor !== undefined);
  return rows;
}
