import { TableClient } from '@azure/data-tables';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHistory, type DriftRow } from '../../../shared/drift/index.ts';
import { StorageAccessError } from '../../../shared/identity/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { allPages, at, useHistory } from './history-fixture.ts';

const fixture = useHistory();
afterEach(() => void vi.restoreAllMocks());

/** Rows of many devices in one hour, oldest first. Every third row is of the kind `custom`. */
function rowsOfAnHour(count: number): readonly DriftRow[] {
  return Array.from({ length: count }, (_, index) => {
    const detectedAt = new Date(Date.parse(at(0)) + index * 1000).toISOString();
    const row = driftRow(`d${index % 61}`, detectedAt);
    return { ...row, path: `p${index}`, kind: index % 3 === 0 ? 'custom' : row.kind };
  });
}

/** Lets Table Storage return at most this number of rows in each response, as the service may do. */
function limitResponses(size: number): void {
  const { listEntities } = TableClient.prototype;
  vi.spyOn(TableClient.prototype, 'listEntities').mockImplementation(function (this: TableClient, ...args) {
    const answer = listEntities.apply(this, args);
    const { byPage } = answer;
    return Object.assign(answer, { byPage: (settings?: object) => byPage({ ...settings, maxPageSize: size }) });
  });
}

const paths = (rows: readonly DriftRow[]) => rows.map(({ path }) => path);

describe('an hour of the timeline', () => {
  it('is spread over twelve partitions by device', async () => {
    await fixture.record(...rowsOfAnHour(600));
    const counts = Map.groupBy(
      await collect((await openTable(fixture.account, 'TwinkeeperTimeline')).listEntities()),
      ({ partitionKey }) => partitionKey,
    );
    expect(counts.size).toBe(12);
    expect(Math.max(...[...counts.values()].map(({ length }) => length))).toBeLessThan(150);
  });

  it.each([7, 250, 1000])('is read newest first, each row once, with pages of %i rows', async (limit) => {
    const rows = rowsOfAnHour(400);
    await fixture.record(...rows, driftRow('earlier', at(-1)), driftRow('later', at(61)));
    const all = await allPages((cursor) => fixture.history.page({ from: at(-5) }, limit, cursor));
    expect(paths(all)).toEqual(['mode', ...paths(rows.toReversed()), 'mode']);
  });

  it('is read completely when each page ends at once and each response has two rows', async () => {
    const rows = rowsOfAnHour(120);
    await fixture.record(...rows);
    limitResponses(2);
    const impatient = createHistory(fixture.account, fixture.now, { maxSearchTime: 0 });
    const query = { from: at(-5), kind: 'custom' } as const;
    const all = await allPages((cursor) => impatient.page(query, 100, cursor));
    expect(paths(all)).toEqual(paths(rows.filter(({ kind }) => kind === 'custom').toReversed()));
  });

  it('throws the error of storage, and does not blame the cursor, when the account refuses the caller between two pages', async () => {
    await fixture.record(...rowsOfAnHour(120));
    limitResponses(2);
    const impatient = createHistory(fixture.account, fixture.now, { maxSearchTime: 0 });
    const query = { from: at(-5) };
    const { cursor } = await impatient.page(query, 5);
    const refusal = Object.assign(new Error('no role'), { statusCode: 403, code: 'AuthorizationPermissionMismatch' });
    const refused = { next: () => Promise.reject(refusal), [Symbol.asyncIterator]: () => refused };
    vi.spyOn(TableClient.prototype, 'listEntities').mockReturnValue({ ...refused, byPage: () => refused } as never);
    await expect(impatient.page(query, 5, cursor)).rejects.toThrow(StorageAccessError);
  });

  it('costs one request while its rows fit into one response', async () => {
    await fixture.record(...rowsOfAnHour(200));
    const list = vi.spyOn(TableClient.prototype, 'listEntities');
    await fixture.history.page({ from: at(-5), to: at(55) }, 100);
    const tables = list.mock.contexts.map((client) => (client as TableClient).tableName);
    expect(tables.filter((name) => name === 'TwinkeeperTimeline')).toHaveLength(1);
  });
});
