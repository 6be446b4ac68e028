import { beforeAll, beforeEach } from 'vitest';
import {
  createJournal,
  createRollups,
  type DriftRow,
  type Journal,
  type Rollups,
} from '../../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount, type TestStorage } from '../../support/storage.ts';

export const hour = 3600_000;
export const begin = Date.UTC(2026, 0, 10);

/** The time that is `hours` hours after 2026-01-10T00:00Z, ISO 8601. */
export const at = (hours: number) => new Date(begin + hours * hour).toISOString();

/** Roll-ups in the tables of Azurite. The tests set the clock. */
export interface RollupsFixture {
  account: StorageAccount & { readonly connectionString: string };
  journal: Journal;
  rollups: Rollups;
  /** The current time of the clock, in milliseconds since 1970. */
  time: number;
  now(): Date;
  /** Reads the rows of each device from the journal, and writes the new rows to the journal. */
  record(...rows: readonly DriftRow[]): Promise<void>;
  /** The number of rows in the summary from two days before `begin` to three days after `begin`. */
  total(): Promise<number>;
  /** All entities of a table, without their ETags and timestamps. */
  entities(table: string): Promise<readonly Record<string, unknown>[]>;
}

/** Starts Azurite for the tests of a file. Before each test, the tables are emptied, and the clock is set to `begin`. */
export function useRollups(): RollupsFixture {
  let azurite: TestStorage;
  const fixture = {
    time: begin,
    now: () => new Date(fixture.time),
    async record(...rows) {
      const { journal } = fixture;
      for (const [deviceId, deviceRows] of Map.groupBy(rows, (row) => row.deviceId)) {
        await journal.write(deviceId, deviceRows, await journal.read(deviceId, at(-10_000)));
      }
    },
    total: async () => (await fixture.rollups.summary(at(-48), at(72), 1)).total,
    entities: async (name: string): Promise<readonly Record<string, unknown>[]> => {
      const table = await openTable(fixture.account, name);
      const stored = await collect(table.listEntities<Record<string, unknown>>());
      return stored.map(({ etag: _, timestamp: __, ...entity }) => entity);
    },
  } as RollupsFixture;
  beforeAll(async () => {
    azurite = await newStorageAccount();
    fixture.account = azurite.endpoints;
    fixture.rollups = createRollups(fixture.account, fixture.now);
  });
  beforeEach(async () => {
    fixture.time = begin;
    // Each test gets a new journal, because a journal remembers which hour it marked last.
    fixture.journal = createJournal(fixture.account, fixture.now);
    for (const name of ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperOpen', 'TwinkeeperRollups']) {
      const table = await openTable(fixture.account, name);
      for (const { partitionKey, rowKey } of await collect(table.listEntities())) {
        await table.deleteEntity(String(partitionKey), String(rowKey));
      }
    }
  });
  return fixture;
}
