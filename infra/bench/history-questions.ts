import { createHistory, createRollups, type HistoryPage } from '../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { askedDevice, days, newest } from './history-rows.ts';
import { isKeyRange, rangeOf, type TableRecorder, type TableRequest } from './table-recorder.ts';

const at = (hoursBefore: number) => new Date(newest - hoursBefore * 3600_000).toISOString();
const fullHour = at(0).slice(0, 13);

/** What it took to answer a question. */
export interface Answered {
  readonly name: string;
  /** Rows that the caller got. */
  readonly given: number;
  readonly requests: readonly TableRequest[];
  /** Rows that the service returned. */
  readonly returned: number;
  /** Rows in the ranges of keys that it was asked about, which it must go through. */
  readonly gone: number;
  /** Whether the question has a condition beside those that are in the keys. */
  readonly isFiltered: boolean;
}

/** Asks what people ask, one after the other, through the recorder. */
export async function askAll(recorder: TableRecorder, direct: StorageAccount): Promise<readonly Answered[]> {
  const now = () => new Date(newest + 60_000);
  const history = createHistory(recorder.endpoints, now);
  const rollups = createRollups(recorder.endpoints, now);
  const all = async (page: (cursor?: string) => Promise<HistoryPage>) => {
    let given = 0;
    let cursor: string | undefined;
    do {
      const next = await page(cursor);
      given += next.rows.length;
      cursor = next.cursor;
    } while (cursor !== undefined);
    return given;
  };
  const day = { from: at(30), to: at(6) };
  const hour = { from: `${fullHour}:00:00.000Z`, to: new Date(newest + 60_000).toISOString() };
  const questions: readonly (readonly [name: string, ask: () => Promise<number>, isFiltered?: boolean])[] = [
    ['device', async () => (await history.page({ deviceId: askedDevice }, 50)).rows.length],
    ['hour', () => all((cursor) => history.page(hour, 1000, cursor))],
    ['open', () => all((cursor) => history.open({}, 1000, cursor))],
    ['summary', async () => (await rollups.summary(at(days * 24), at(-1), 24)).total],
    ['policy-day', () => all((cursor) => history.page({ ...day, policy: 'azureiotsecurity' }, 100, cursor)), true],
  ];
  const answers: Answered[] = [];
  for (const [name, ask, isFiltered = false] of questions) {
    const { result, requests } = await recorder.during(ask);
    if (result === 0) throw new Error(`Nothing answers the question ${name}: nothing is measured by it.`);
    const returned = requests.reduce((sum, { rows }) => sum + rows, 0);
    answers.push({ name, given: result, requests, returned, gone: await rowsIn(direct, requests), isFiltered });
  }
  return answers;
}

/** How many rows there are in a table: what a filter over it goes through. */
export async function countRows(account: StorageAccount, name: string, filter = ''): Promise<number> {
  const table = await openTable(account, name);
  const queryOptions = { select: ['rowKey'], ...(filter === '' ? {} : { filter }) };
  let count = 0;
  for await (const page of table.listEntities({ queryOptions }).byPage({ maxPageSize: 1000 })) count += page.length;
  return count;
}

/** A page ends where the caller has enough: of such a range, no more is gone through than is returned. */
async function rowsIn(account: StorageAccount, requests: readonly TableRequest[]): Promise<number> {
  let sum = 0;
  for (const request of requests) {
    const { filter = '', table, rows } = request;
    const isWhole = !isKeyRange(request) || rangeOf(filter) === filter;
    sum += isWhole ? rows : await countRows(account, table, rangeOf(filter));
  }
  return sum;
}
