import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import { writeCursor } from '../../../shared/drift/history-cursor.ts';
import {
  BadCursorError,
  createHistory,
  createJournal,
  createRollups,
  type DriftQuery,
  type DriftRow,
  type History,
  type HistoryPage,
  type Journal,
} from '../../../shared/drift/index.ts';
import { openTable, type StorageAccount } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';

const tables = ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperOpen', 'TwinkeeperRollups'] as const;
const begin = Date.UTC(2026, 0, 10, 0, 0, 0);
const at = (minute: number) => new Date(begin + minute * 60_000).toISOString();

let azurite: Awaited<ReturnType<typeof startAzurite>>;
let account: StorageAccount;
let time = begin;
const now = () => new Date(time);
let journal: Journal;
let history: History;
beforeAll(async () => {
  azurite = await startAzurite();
  account = azurite.endpoints;
  journal = createJournal(account, now);
  history = createHistory(account, now);
});
afterAll(() => azurite.close());
beforeEach(async () => {
  time = Date.parse(at(24 * 60));
  for (const name of tables) {
    const table = await openTable(account, name);
    for (const { partitionKey, rowKey } of await collect(table.listEntities())) {
      await table.deleteEntity(String(partitionKey), String(rowKey));
    }
  }
});

/** Has the journal record rows as a pass does. */
async function record(...rows: readonly DriftRow[]): Promise<void> {
  for (const [deviceId, its] of Map.groupBy(rows, (row) => row.deviceId)) {
    const known = await journal.read(deviceId, at(-1_000_000));
    expect(await journal.write(deviceId, its, known)).toBe('written');
  }
}

/** All pages of something, with something happening in between. */
async function pages(
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

const keys = (rows: readonly DriftRow[]) => rows.map(({ deviceId, path }) => `${deviceId} ${path}`);

describe('the history by time', () => {
  it('is given newest first, whole, and from as many hours as it takes', async () => {
    const rows = [1, 70, 71, 300, 1439].map((minute) => driftRow(`d${minute}`, at(minute)));
    await record(...rows);
    expect((await history.page({}, 100)).rows).toEqual(rows.toReversed());
    expect(await collect(history.rows({}))).toEqual(rows.toReversed());
  });

  it('is that of the last 24 hours where nothing else is said, and of a range where one is', async () => {
    await record(...[-1, 1, 60, 119, 120].map((minute) => driftRow(`d${minute}`, at(minute))));
    expect(keys((await history.page({}, 100)).rows)).toEqual(['d120 mode', 'd119 mode', 'd60 mode', 'd1 mode']);
    const { rows } = await history.page({ from: at(60), to: at(120) }, 100);
    expect(keys(rows)).toEqual(['d119 mode', 'd60 mode']);
    expect((await history.page({ from: at(61), to: at(62) }, 100)).rows).toEqual([]);
    expect((await history.page({ to: at(60) }, 100)).rows.length).toBe(2);
  });

  it('comes to its end page by page while new rows arrive and time goes by: none twice, none missing', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => driftRow(`d${index}`, at(5 + index * 50)));
    await record(...rows);
    let news = 0;
    const arrive = async () => {
      time += 40 * 60_000;
      await record(driftRow(`new${news++}`, now().toISOString()));
    };
    const all = await pages((cursor) => history.page({}, 3, cursor), arrive);
    expect(news).toBeGreaterThan(5);
    expect(keys(all)).toEqual(keys(rows.toReversed()));
  });

  it('goes on where the row that the last page ended with is gone, and its hour', async () => {
    const rows = [10, 20, 200, 210, 400].map((minute) => driftRow(`d${minute}`, at(minute)));
    await record(...rows);
    const first = await history.page({}, 3);
    const timeline = await openTable(account, 'TwinkeeperTimeline');
    for (const { partitionKey, rowKey } of await collect(timeline.listEntities())) {
      if (partitionKey?.endsWith('T03')) await timeline.deleteEntity(partitionKey, String(rowKey));
    }
    expect(keys((await history.page({}, 3, first.cursor)).rows)).toEqual(['d20 mode', 'd10 mode']);
  });

  describe('that takes long to look through', () => {
    const hasty = () => createHistory(account, now, { maxSearchTime: 0 });

    it('is given as far as was looked, and goes on from there, whether or not anything fits', async () => {
      const rows = [1, 2, 70, 300, 301, 1439].map((minute) => driftRow(`d${minute}`, at(minute)));
      await record(...rows);
      const sizes: number[] = [];
      const all = await pages(async (cursor) => {
        const page = await hasty().page({}, 100, cursor);
        sizes.push(page.rows.length);
        return page;
      });
      expect(all).toEqual(rows.toReversed());
      expect(sizes).toEqual([1, 2, 1, 2, 0]);

      const none = await hasty().page({ kind: 'custom' }, 100);
      expect(none).toEqual({ rows: [], cursor: expect.any(String) });
      expect(await pages((cursor) => hasty().page({ kind: 'custom' }, 100, cursor))).toEqual([]);
      expect(await collect(hasty().rows({}))).toEqual(rows.toReversed());
    });

    it('goes on in the middle of an hour, where the service left it', async () => {
      const rows = [1, 2, 3, 4, 5].map((minute) => driftRow(`d${minute}`, at(minute)));
      await record(...rows);
      const { listEntities } = TableClient.prototype;
      // The service may give any number of rows, and a place to go on from.
      const spy = vi.spyOn(TableClient.prototype, 'listEntities').mockImplementation(function (
        this: TableClient,
        ...asked
      ) {
        const answer = listEntities.apply(this, asked);
        const { byPage } = answer;
        return Object.assign(answer, { byPage: (settings?: object) => byPage({ ...settings, maxPageSize: 2 }) });
      });
      try {
        const sizes: number[] = [];
        const all = await pages(async (cursor) => {
          const page = await hasty().page({}, 100, cursor);
          sizes.push(page.rows.length);
          return page;
        });
        expect(all).toEqual(rows.toReversed());
        expect(sizes).toEqual([2, 2, 1, 0]);
        const { cursor = '' } = await hasty().page({}, 100);
        const [partition, after, , since] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
        for (const token of ['x', Buffer.from('{"nextRowKey":7}').toString('base64')]) {
          const forged = writeCursor({}, { partition: partition ?? '', after: after ?? '', token, from: since ?? '' });
          await expect(hasty().page({}, 100, forged)).rejects.toThrow(BadCursorError);
        }
      } finally {
        spy.mockRestore();
      }
    });
  });

  it('asks no hour in which nothing was detected', async () => {
    await record(driftRow('a', at(1)), driftRow('b', at(600)));
    const rollups = createRollups(account, now);
    for (const minute of [100, 200, 1440]) {
      time = Date.parse(at(minute));
      await rollups.refresh([]);
    }
    const asked: string[] = [];
    const { TableClient } = await import('@azure/data-tables');
    const list = TableClient.prototype.listEntities;
    TableClient.prototype.listEntities = function (this: InstanceType<typeof TableClient>, options) {
      if (this.tableName === 'TwinkeeperTimeline') asked.push(String(options?.queryOptions?.filter));
      return list.call(this, options) as ReturnType<typeof list>;
    } as typeof list;
    try {
      expect((await history.page({}, 10)).rows).toHaveLength(2);
    } finally {
      TableClient.prototype.listEntities = list;
    }
    expect(asked.map((filter) => /PartitionKey eq '([^']+)'/.exec(filter)?.[1])).toEqual([
      '2026-01-10T10',
      '2026-01-10T00',
    ]);
    for (const filter of asked) expect(filter).toMatch(/RowKey ge .* and RowKey le /);
  });
});

describe('the history of a device', () => {
  it('is given newest first, page by page, and is nobody else’s', async () => {
    const rows = Array.from({ length: 9 }, (_, index) => driftRow('a', at(index), { path: `p${index}` }));
    await record(...rows, driftRow('A', at(3)), driftRow('a#', at(4)));
    expect(await pages((cursor) => history.page({ deviceId: 'a' }, 4, cursor))).toEqual(rows.toReversed());
  });

  it('holds what was detected in a range of time, however old its write', async () => {
    const written = (minute: number) => ({ version: minute, at: at(minute), exact: true });
    await record(
      driftRow('a', at(50), { path: 'early', write: written(1) }),
      driftRow('a', at(100), { path: 'within', write: written(2) }),
      driftRow('a', at(200), { path: 'late', write: written(3) }),
      driftRow('a', at(110), { path: 'hubAhead', write: written(112) }),
    );
    const { rows } = await history.page({ deviceId: 'a', from: at(60), to: at(111) }, 10);
    expect(keys(rows)).toEqual(['a hubAhead', 'a within']);
  });
});

describe('filters', () => {
  const rows = [
    driftRow('a', at(5), { moduleId: 'M1', policy: 'one', path: 'x.y', kind: 'wrongValue', outcome: 'enforced' }),
    driftRow('a', at(4), { moduleId: 'M2', policy: 'two', path: 'z', kind: 'custom', outcome: 'audited' }),
    driftRow('b', at(3), { moduleId: 'M1', policy: 'two', path: '', kind: 'missingModule', source: 'sweep' }),
    driftRow('b', at(2), { moduleId: '', policy: 'one', path: "it's", kind: 'forbiddenProperty', outcome: 'failed' }),
  ];
  it.each<DriftQuery>([
    { moduleId: 'M1' },
    { moduleId: '' },
    { policy: 'two' },
    { path: 'x.y' },
    { path: "it's" },
    { path: '' },
    { kind: 'custom' },
    { outcome: 'enforced' },
    { source: 'sweep' },
    { policy: 'two', moduleId: 'M1' },
    { deviceId: 'a', policy: 'one' },
    { deviceId: 'b', outcome: 'failed' },
    { deviceId: 'nobody' },
  ])('%o gives those rows and no other', async (query) => {
    await record(...rows);
    const fits = (row: DriftRow) =>
      Object.entries(query).every(([name, value]) => row[name as keyof DriftQuery & keyof DriftRow] === value);
    expect((await history.page(query, 10)).rows).toEqual(rows.filter(fits));
    expect(await pages((cursor) => history.page(query, 1, cursor))).toEqual(rows.filter(fits));
  });

  it('mean nothing but their value, whatever it is', async () => {
    await record(...rows);
    const hostile = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        "' or true or '",
        "x' or PartitionKey ne '",
        "it''s",
        "one' or policy eq 'two",
        '%27 or 1 eq 1',
        '\\',
      ),
      fc.string({ unit: fc.constantFrom("'", '"', ' ', 'or', 'true', '(', ')', ',', '&', '$', '%', '\n', 'é', '𝄞') }),
    );
    const name = fc.constantFrom('deviceId', 'moduleId', 'policy', 'path', 'kind', 'outcome', 'source');
    await fc.assert(
      fc.asyncProperty(name, hostile, async (field, value) => {
        const query = { [field]: value } as DriftQuery;
        const expected = rows.filter((row) => row[field as keyof DriftRow] === value);
        expect((await history.page(query, 10)).rows).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    const open = await history.open({ policy: "one' or policy eq 'two" }, 10);
    expect(open.rows).toEqual([]);
  });
});

describe('a cursor', () => {
  it('fits the query that gave it, and no other', async () => {
    await record(driftRow('a', at(1)), driftRow('a', at(2)), driftRow('b', at(3)));
    const { cursor = '' } = await history.page({ policy: 'agent' }, 1);
    await expect(history.page({ policy: 'agent' }, 1, cursor)).resolves.toMatchObject({ rows: [{ deviceId: 'a' }] });
    await expect(history.page({ policy: 'other' }, 1, cursor)).rejects.toThrow(BadCursorError);
    await expect(history.page({}, 1, cursor)).rejects.toThrow(BadCursorError);
    await expect(history.open({ deviceId: 'a' }, 1, cursor)).rejects.toThrow(BadCursorError);
  });

  it('that was tampered with is refused', async () => {
    await record(driftRow('a', at(1)), driftRow('a', at(2)));
    const { cursor = '' } = await history.page({}, 1);
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const changes = parts.map((_, index) => encoded(parts.with(index, `${parts[index]}0`)));
    for (const bad of ['', 'x', 'ü', encoded(null), encoded([]), encoded({}), encoded([1, 2, 3, 4]), ...changes]) {
      await expect(history.page({}, 1, bad)).rejects.toThrow(BadCursorError);
    }
    await fc.assert(
      fc.asyncProperty(fc.base64String(), async (bad) => {
        await expect(history.page({}, 1, bad)).rejects.toThrow(BadCursorError);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what is open', () => {
  const open = async (query: Parameters<History['open']>[0] = {}) =>
    (await pages((cursor) => history.open(query, 2, cursor))).map((row) => `${row.deviceId} ${row.outcome}`).toSorted();

  it('is told by policy and by device', async () => {
    await record(
      driftRow('a', at(1), { policy: 'one', outcome: 'audited' }),
      driftRow('a', at(2), { policy: 'two', outcome: 'failed' }),
      driftRow('b', at(3), { policy: 'one', outcome: 'heldBack' }),
      driftRow('c', at(3), { policy: 'one-more', outcome: 'deferred' }),
      driftRow('d', at(4), { policy: 'one', outcome: 'enforced' }),
    );
    expect(await open()).toEqual(['a audited', 'a failed', 'b heldBack', 'c deferred']);
    expect(await open({ policy: 'one' })).toEqual(['a audited', 'b heldBack']);
    expect(await open({ deviceId: 'a' })).toEqual(['a audited', 'a failed']);
    expect(await open({ deviceId: 'a', policy: 'two' })).toEqual(['a failed']);
    expect(await open({ policy: 'on' })).toEqual([]);
  });

  it('is left by what is mended, closed or on its way to be, and not by what stays as it is', async () => {
    const held = driftRow('a', at(1), { outcome: 'heldBack' });
    const audited = driftRow('b', at(1), { outcome: 'audited' });
    await record(held, audited, driftRow('c', at(1), { outcome: 'pending' }));
    expect(await open()).toEqual(['a heldBack', 'b audited']);
    await record({ ...held, outcome: 'pending' });
    expect(await open()).toEqual(['b audited']);
    await record({ ...held, outcome: 'enforced' }, audited);
    expect(await open()).toEqual(['b audited']);
    await record({ ...audited, closedAt: at(9) });
    expect(await open()).toEqual([]);
    await record(audited);
    expect(await open()).toEqual(['b audited']);
  });

  it('names the next departure of a property where one has ended', async () => {
    const first = driftRow('a', at(1), { outcome: 'audited' });
    const second = driftRow('a', at(2), { outcome: 'audited' });
    await record(first);
    await record({ ...first, closedAt: at(2) }, second);
    expect((await history.open({}, 10)).rows).toEqual([second]);
  });
});

describe('a row', () => {
  it('tells its version, wherever it is', async () => {
    await record(driftRow('a', at(1), { outcome: 'audited' }));
    for (const name of ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperOpen']) {
      const entities = await collect((await openTable(account, name)).listEntities<{ v: number }>());
      expect(entities.length).toBeGreaterThan(0);
      for (const { v } of entities) expect(v).toBe(1);
    }
  });
});
