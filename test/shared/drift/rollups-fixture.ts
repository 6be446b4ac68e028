import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import {
  createJournal,
  createRollups,
  type DriftRow,
  type Journal,
  type Rollups,
} from '../../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';

export const hour = 3600_000;
export const begin = Date.UTC(2026, 0, 10);

/** The time some hours after 2026-01-10, ISO 8601. */
export const at = (hours: number) => new Date(begin + hours * hour).toISOString();

/** Roll-ups on real tables, with a clock that tests move. */
export interface RollupsFixture {
  account: StorageAccount;
  journal: Journal;
  rollups: Rollups;
  /** The time of the clock, in milliseconds since 1970. */
  time: number;
  now(): Date;
  /** Writes rows to the journal as a pass does. */
  record(...rows: readonly DriftRow[]): Promise<void>;
  /** The total of the summary from two days before `begin` to three days after it. */
  total(): Promise<number>;
  /** The entities of a table, without ETags and timestamps. */
  entities(table: string): Promise<readonly Record<string, unknown>[]>;
}

/** Starts storage for the tests of a file. The tables are empty before each test, and the clock is at `begin`. */
export function useRollups(): RollupsFixture {
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
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
    azurite = await startAzurite();
    fixture.account = azurite.endpoints;
    fixture.rollups = createRollups(fixture.account, fixture.now);
  });
  afterAll(() => azurite.close());
  beforeEach(async () => {
    fixture.time = begin;
    // A new journal has not marked any hour yet.
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
