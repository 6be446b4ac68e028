import { createHistory, createOpenSnapshots, createRollups, type HistoryPage } from '../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { days, historyEnd, queriedDevice } from './history-rows.ts';
import { isKeyRange, keyRangeOf, type TableRecorder, type TableRequest } from './table-recorder.ts';

/** The time that is this many hours before the end of the history, in ISO 8601. */
const at = (hoursBefore: number) => new Date(historyEnd - hoursBefore * 3600_000).toISOString();
const fullHour = at(0).slice(0, 13);

/** The cost of one query of the history. */
export interface QueryCost {
  readonly name: string;
  /** Number of rows that the caller of the query received. */
  readonly rowsReceived: number;
  readonly requests: readonly TableRequest[];
  /** Number of rows that Table Storage returned. */
  readonly rowsReturned: number;
  /** Number of rows in the key ranges of the requests. Table Storage must scan all of them. */
  readonly rowsScanned: number;
  /** Whether the query also filters by a column that is not a key. */
  readonly isFiltered: boolean;
}

/**
 * Runs typical queries of the history, one after the other. `direct` is the storage account without the proxy that records requests. It is
 * used to count the scanned rows, so that these requests are not recorded.
 */
export async function runQueries(recorder: TableRecorder, direct: StorageAccount): Promise<readonly QueryCost[]> {
  const now = () => new Date(historyEnd + 60_000);
  const history = createHistory(recorder.endpoints, now);
  const rollups = createRollups(recorder.endpoints, now);
  const countAllPages = async (page: (cursor?: string) => Promise<HistoryPage>) => {
    let rows = 0;
    let cursor: string | undefined;
    do {
      const next = await page(cursor);
      rows += next.rows.length;
      cursor = next.cursor;
    } while (cursor !== undefined);
    return rows;
  };
  const day = { from: at(30), to: at(6) };
  const hour = { from: `${fullHour}:00:00.000Z`, to: new Date(historyEnd + 60_000).toISOString() };
  const queries: readonly (readonly [name: string, run: () => Promise<number>, isFiltered?: boolean])[] = [
    ['device', async () => (await history.page({ deviceId: queriedDevice }, 50)).rows.length],
    ['hour', () => countAllPages((cursor) => history.page(hour, 1000, cursor))],
    ['open', () => countAllPages((cursor) => history.open({}, 1000, cursor))],
    ['summary', async () => (await rollups.summary(at(days * 24), at(-1), 24)).total],
    [
      'policy-day',
      () => countAllPages((cursor) => history.page({ ...day, policy: 'azureiotsecurity' }, 100, cursor)),
      true,
    ],
    [
      'open-at',
      () => countAllPages((cursor) => history.during({ openFrom: at(6), openTo: at(5) }, 1000, cursor)),
      true,
    ],
    [
      'open-during',
      () => countAllPages((cursor) => history.during({ openFrom: at(30), openTo: at(6) }, 1000, cursor)),
      true,
    ],
  ];
  // The snapshots of two days, as the app takes them.
  for (const hoursBefore of [32, 8]) {
    await createOpenSnapshots(direct, () => new Date(at(hoursBefore))).takeDaily();
  }
  const costs: QueryCost[] = [];
  for (const [name, run, isFiltered = false] of queries) {
    const { result: rowsReceived, requests } = await recorder.during(run);
    if (rowsReceived === 0) throw new Error(`The query ${name} returned no rows, so it measures nothing.`);
    const rowsReturned = requests.reduce((sum, { rows }) => sum + rows, 0);
    const rowsScanned = await countScannedRows(direct, requests);
    costs.push({ name, rowsReceived, requests, rowsReturned, rowsScanned, isFiltered });
  }
  return costs;
}

/** The number of rows of a table that match `filter`. Without a filter: the number of all rows. */
export async function countRows(account: StorageAccount, name: string, filter = ''): Promise<number> {
  const table = await openTable(account, name);
  const queryOptions = { select: ['rowKey'], ...(filter === '' ? {} : { filter }) };
  let count = 0;
  for await (const page of table.listEntities({ queryOptions }).byPage({ maxPageSize: 1000 })) count += page.length;
  return count;
}

/**
 * The number of rows that Table Storage scans for these requests. A query that filters only by a key range scans exactly the rows that it
 * returns.
 */
async function countScannedRows(account: StorageAccount, requests: readonly TableRequest[]): Promise<number> {
  let sum = 0;
  for (const request of requests) {
    const { filter = '', table, rows, isByKey } = request;
    const scansReturnedRows = isByKey || !isKeyRange(request) || keyRangeOf(filter) === filter;
    sum += scansReturnedRows ? rows : await countRows(account, table, keyRangeOf(filter));
  }
  return sum;
}
