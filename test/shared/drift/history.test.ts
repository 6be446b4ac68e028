import { TableClient } from '@azure/data-tables';
import { describe, expect, it, vi } from 'vitest';
import { writeCursor } from '../../../shared/drift/history-cursor.ts';
import { BadCursorError, createHistory, createRollups, type DriftRow } from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { allPages, at, useHistory } from './history-fixture.ts';

const fixture = useHistory();

const keys = (rows: readonly DriftRow[]) => rows.map(({ deviceId, path }) => `${deviceId} ${path}`);

describe('the history by time', () => {
  it('is complete, newest first, over any number of hours', async () => {
    const rows = [1, 70, 71, 300, 1439].map((minute) => driftRow(`d${minute}`, at(minute)));
    await fixture.record(...rows);
    expect((await fixture.history.page({}, 100)).rows).toEqual(rows.toReversed());
    expect(await collect(fixture.history.rows({}))).toEqual(rows.toReversed());
  });

  it('covers the last 24 hours by default, or the given range', async () => {
    await fixture.record(...[-1, 1, 60, 119, 120].map((minute) => driftRow(`d${minute}`, at(minute))));
    expect(keys((await fixture.history.page({}, 100)).rows)).toEqual(['d120 mode', 'd119 mode', 'd60 mode', 'd1 mode']);
    const { rows } = await fixture.history.page({ from: at(60), to: at(120) }, 100);
    expect(keys(rows)).toEqual(['d119 mode', 'd60 mode']);
    expect((await fixture.history.page({ from: at(61), to: at(62) }, 100)).rows).toEqual([]);
    expect((await fixture.history.page({ to: at(60) }, 100)).rows.length).toBe(2);
  });

  it('has each row on exactly one page while new rows arrive and time passes', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => driftRow(`d${index}`, at(5 + index * 50)));
    await fixture.record(...rows);
    let added = 0;
    const addRow = async () => {
      fixture.time += 40 * 60_000;
      await fixture.record(driftRow(`new${added++}`, fixture.now().toISOString()));
    };
    const all = await allPages((cursor) => fixture.history.page({}, 3, cursor), addRow);
    expect(added).toBeGreaterThan(5);
    expect(keys(all)).toEqual(keys(rows.toReversed()));
  });

  it('continues after the last row of a page was removed together with its hour', async () => {
    const rows = [10, 20, 200, 210, 400].map((minute) => driftRow(`d${minute}`, at(minute)));
    await fixture.record(...rows);
    const first = await fixture.history.page({}, 3);
    const timeline = await openTable(fixture.account, 'TwinkeeperTimeline');
    for (const { partitionKey, rowKey } of await collect(timeline.listEntities())) {
      if (partitionKey?.endsWith('T03')) await timeline.deleteEntity(partitionKey, String(rowKey));
    }
    expect(keys((await fixture.history.page({}, 3, first.cursor)).rows)).toEqual(['d20 mode', 'd10 mode']);
  });

  describe('with a search that takes too long', () => {
    const impatient = () => createHistory(fixture.account, fixture.now, { maxSearchTime: 0 });

    it('has short or empty pages, and continues from each', async () => {
      const rows = [1, 2, 70, 300, 301, 1439].map((minute) => driftRow(`d${minute}`, at(minute)));
      await fixture.record(...rows);
      const sizes: number[] = [];
      const all = await allPages(async (cursor) => {
        const page = await impatient().page({}, 100, cursor);
        sizes.push(page.rows.length);
        return page;
      });
      expect(all).toEqual(rows.toReversed());
      expect(sizes).toEqual([1, 2, 1, 2, 0]);

      const none = await impatient().page({ kind: 'custom' }, 100);
      expect(none).toEqual({ rows: [], cursor: expect.any(String) });
      expect(await allPages((cursor) => impatient().page({ kind: 'custom' }, 100, cursor))).toEqual([]);
      expect(await collect(impatient().rows({}))).toEqual(rows.toReversed());
    });

    it('continues in the middle of an hour with the token of the service', async () => {
      const rows = [1, 2, 3, 4, 5].map((minute) => driftRow('a', at(minute)));
      await fixture.record(...rows);
      const { listEntities } = TableClient.prototype;
      // The test limits each response of Table Storage to two rows. The service may return any number of rows with a continuation token.
      const spy = vi.spyOn(TableClient.prototype, 'listEntities').mockImplementation(function (
        this: TableClient,
        ...args
      ) {
        const answer = listEntities.apply(this, args);
        const { byPage } = answer;
        return Object.assign(answer, { byPage: (settings?: object) => byPage({ ...settings, maxPageSize: 2 }) });
      });
      try {
        const sizes: number[] = [];
        const all = await allPages(async (cursor) => {
          const page = await impatient().page({}, 100, cursor);
          sizes.push(page.rows.length);
          return page;
        });
        expect(all).toEqual(rows.toReversed());
        expect(sizes).toEqual([2, 2, 1, 0]);
        const { cursor = '' } = await impatient().page({}, 100);
        const [partition, after, , since] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
        const ofService = ['x', Buffer.from('{"nextRowKey":7}').toString('base64')];
        const others = Array(11).fill('end');
        const tokens = [...ofService, '[]', ...ofService.map((text) => JSON.stringify([`token ${text}`, ...others]))];
        for (const token of tokens) {
          const forged = writeCursor({}, { partition: partition ?? '', after: after ?? '', token, from: since ?? '' });
          await expect(impatient().page({}, 100, forged)).rejects.toThrow(BadCursorError);
        }
      } finally {
        spy.mockRestore();
      }
    });
  });

  it('does not read hours without rows', async () => {
    await fixture.record(driftRow('a', at(1)), driftRow('b', at(600)));
    const rollups = createRollups(fixture.account, fixture.now);
    for (const minute of [100, 200, 1440]) {
      fixture.time = Date.parse(at(minute));
      await rollups.refresh([]);
    }
    const filters: string[] = [];
    const list = TableClient.prototype.listEntities;
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      if (this.tableName === 'TwinkeeperTimeline') filters.push(String(options?.queryOptions?.filter));
      return list.call(this, options) as ReturnType<typeof list>;
    } as typeof list;
    try {
      expect((await fixture.history.page({}, 10)).rows).toHaveLength(2);
    } finally {
      TableClient.prototype.listEntities = list;
    }
    expect(
      filters.map((filter) => /^PartitionKey ge '(.+?)' and PartitionKey le '(.+?)'/.exec(filter)?.slice(1)),
    ).toEqual(['2026-01-10T10', '2026-01-10T00'].map((hour) => [`${hour}-0`, `${hour}-b`]));
    for (const filter of filters) expect(filter).toMatch(/RowKey ge .* and RowKey l[te] /);
  });
});

describe('the history of a device', () => {
  it('is newest first, page by page, and holds only rows of that device', async () => {
    const rows = Array.from({ length: 9 }, (_, index) => driftRow('a', at(index), { path: `p${index}` }));
    await fixture.record(...rows, driftRow('A', at(3)), driftRow('a#', at(4)));
    expect(await allPages((cursor) => fixture.history.page({ deviceId: 'a' }, 4, cursor))).toEqual(rows.toReversed());
  });

  it('holds the rows that were detected in a time range, whatever the age of their writes', async () => {
    const written = (minute: number) => ({ version: minute, at: at(minute), exact: true });
    await fixture.record(
      driftRow('a', at(50), { path: 'early', write: written(1) }),
      driftRow('a', at(100), { path: 'within', write: written(2) }),
      driftRow('a', at(200), { path: 'late', write: written(3) }),
      driftRow('a', at(110), { path: 'hubAhead', write: written(112) }),
    );
    const { rows } = await fixture.history.page({ deviceId: 'a', from: at(60), to: at(111) }, 10);
    expect(keys(rows)).toEqual(['a hubAhead', 'a within']);
  });
});
