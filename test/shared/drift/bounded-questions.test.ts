import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTableRecorder, type TableRecorder } from '../../../infra/bench/table-recorder.ts';
import { createHistoryIndex } from '../../../shared/drift/history-index.ts';
import {
  createHistory,
  createRollups,
  type DriftRow,
  type History,
  type Rollups,
} from '../../../shared/drift/index.ts';
import { toEntity } from '../../../shared/drift/row-entity.ts';
import { GroupCommit, openTable } from '../../../shared/storage/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

const hour = 3600_000;
const begin = Date.UTC(2026, 0, 10);
const at = (hours: number) => new Date(begin + hours * hour).toISOString();
const now = () => new Date(begin + 400 * 24 * hour);

let recorder: TableRecorder;
let history: History;
let rollups: Rollups;
beforeAll(async () => {
  const { endpoints } = await newStorageAccount();
  recorder = await startTableRecorder(endpoints.connectionString);
  history = createHistory(recorder.endpoints, now);
  rollups = createRollups(recorder.endpoints, now);
  const rows: readonly DriftRow[] = [
    // 120 hours with one row each.
    ...Array.from({ length: 120 }, (_, index) => driftRow(`d${index}`, at(index))),
    // One hour with 10,000 rows of one device.
    ...Array.from({ length: 10_000 }, (_, index) => driftRow('busy', at(200 + index / 4000), { path: `p${index}` })),
    // One hour with 24 MB.
    ...Array.from({ length: 400 }, (_, index) =>
      driftRow(`large${index}`, at(300 + index / 1000), { actual: 'x'.repeat(30_000), expected: 'y'.repeat(30_000) }),
    ),
  ];
  await createHistoryIndex(endpoints, now).put({ rows, listed: [] });
  const journal = new GroupCommit(() => openTable(endpoints, 'TwinkeeperDrift'));
  const busy = rows.filter(({ deviceId }) => deviceId === 'busy');
  await journal.apply(busy.map((row) => ({ type: 'upsert', entity: toEntity(row, row.rowKey) })));
}, 240_000);
afterAll(() => recorder.close());

/** Reads all pages of a question. Returns the numbers of rows, and the numbers of requests and bytes of the largest page. */
async function ask(query: Parameters<History['page']>[0], limit: number) {
  let cursor: string | undefined;
  const result = { rows: 0, pages: 0, mostRequests: 0, mostBytes: 0 };
  do {
    const { result: page, requests } = await recorder.during(() => history.page(query, limit, cursor));
    result.rows += page.rows.length;
    result.pages++;
    result.mostRequests = Math.max(result.mostRequests, requests.length);
    const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
    result.mostBytes = Math.max(result.mostBytes, bytes);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return result;
}

describe('a question about a long history', () => {
  it('ends a page after 50 requests when few rows meet the filter, and finds all rows over its pages', async () => {
    const range = { from: at(0), to: at(150) };
    expect(await ask({ ...range, kind: 'custom' }, 100)).toMatchObject({ rows: 0, pages: 3 });
    const { rows, mostRequests } = await ask({ ...range, policy: 'agent' }, 1000);
    expect(rows).toBe(120);
    // The marked hours and the days of the roll-ups take two more requests.
    expect(mostRequests).toBeLessThanOrEqual(52);
  });

  it('ends a page after some megabytes', async () => {
    const { rows, pages, mostBytes } = await ask({ from: at(300), to: at(301) }, 1000);
    expect(rows).toBe(400);
    expect(pages).toBeGreaterThan(1);
    // The first response can have 200 of these rows.
    expect(mostBytes).toBeLessThan(16_000_000);
  });

  it.each([
    // The first page about an hour asks each of its twelve partitions.
    ['hour', { from: at(200), to: at(203) }, 6 + 12],
    ['device', { deviceId: 'busy' }, 6],
    ['device and time', { deviceId: 'busy', from: at(201), to: at(202) }, 6],
  ])('about one %s with 10,000 rows costs a few requests a page', async (_, query, most) => {
    const { rows, mostRequests } = await ask(query, 1000);
    expect(rows).toBe('deviceId' in query && 'from' in query ? 4000 : 10_000);
    expect(mostRequests).toBeLessThanOrEqual(most);
  });

  it('costs one request for each month of the range, of hours and of counts, and one for the days', async () => {
    const from = at(0);
    const empty = await recorder.during(() => history.page({ from: at(1000), to: at(400 * 24) }, 100));
    expect([empty.result.rows.length, empty.requests.length]).toEqual([0, 13]);
    await rollups.refresh([]);
    const { result, requests } = await recorder.during(() => rollups.summary(from, at(400 * 24), 24));
    expect(result.total).toBe(10_520);
    expect(requests.length).toBeLessThanOrEqual(16);
  });
});
