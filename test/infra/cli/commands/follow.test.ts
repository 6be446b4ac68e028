import { afterEach, describe, expect, it, vi } from 'vitest';
import { follow } from '../../../../infra/cli/commands/follow.ts';
import { type HistorySource, pagesOf } from '../../../../infra/cli/commands/history-source.ts';
import type { DriftQuery, DriftRow, Outcome } from '../../../../shared/drift/index.ts';

afterEach(() => vi.restoreAllMocks());

function row(rowKey: string, outcome: Outcome, secondsAgo = 1): DriftRow {
  const at = new Date(Date.now() - 1000 * secondsAgo).toISOString();
  return { deviceId: 'd', rowKey, outcome, detectedAt: at, outcomeAt: at } as DriftRow;
}

/** A history in memory with these rows. A query filters by time and outcome, and returns the newest rows first. */
function historyOf(rows: DriftRow[]) {
  const onQuery = vi.fn();
  const page = async ({ from = '', to = '~', outcome }: DriftQuery, limit: number, cursor = '0') => {
    onQuery();
    const all = rows
      .filter(({ detectedAt }) => detectedAt >= from && detectedAt < to)
      .filter((each) => outcome === undefined || each.outcome === outcome)
      .toSorted((a, b) => (a.detectedAt < b.detectedAt ? 1 : -1));
    const next = Number(cursor) + limit;
    return { rows: all.slice(Number(cursor), next), ...(next <= all.length ? { cursor: String(next) } : {}) };
  };
  return { rows, onQuery, history: { page } as unknown as HistorySource };
}

/**
 * Follows the history until `enough` rows have been written. Returns each written row as `key outcome`. Calls `onWritten` after each write.
 */
async function followed(
  { history }: ReturnType<typeof historyOf>,
  query: DriftQuery,
  limit: number,
  enough: number,
  onWritten: (written: readonly string[]) => void = () => {},
): Promise<readonly string[]> {
  const written: string[] = [];
  const write = async (rows: readonly DriftRow[]) => {
    written.push(...rows.map(({ rowKey, outcome }) => `${rowKey} ${outcome}`));
    onWritten(written);
    return written.length < enough;
  };
  await follow(history, query, limit, write, new AbortController().signal);
  return written;
}

describe('following the history', () => {
  it('writes the newest rows, oldest first, and then only new rows', async () => {
    const world = historyOf([row('a', 'enforced', 30), row('b', 'enforced', 20), row('c', 'enforced', 10)]);
    const written = await followed(world, {}, 2, 3, () => {
      if (world.rows.length === 3) world.rows.push(row('d', 'created', 0));
    });
    expect(written).toEqual(['b enforced', 'c enforced', 'd created']);
  });

  it('writes a row again when its outcome changes, also after more than two minutes', async () => {
    const world = historyOf([row('a', 'pending', 1), row('b', 'deferred', 20 * 60)]);
    const written = await followed(world, {}, 9, 4, () => {
      world.rows.splice(0, 2, row('a', 'enforced', 1), row('b', 'failed', 20 * 60));
    });
    expect(written.slice(0, 2)).toEqual(['b deferred', 'a pending']);
    expect(written.slice(2).toSorted()).toEqual(['a enforced', 'b failed']);
  });

  it('writes a row when the row gets the wanted outcome', async () => {
    const world = historyOf([row('a', 'pending', 5)]);
    let first = true;
    const written = await followed(world, { outcome: 'enforced' }, 9, 1, () => {
      if (first) world.rows.splice(0, 1, row('a', 'enforced', 5));
      first = false;
    });
    expect(written).toEqual(['a enforced']);
  });

  it('continues after an error of the history, and reports the error once', async () => {
    const reports: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      reports.push(String(text));
      return true;
    });
    const world = historyOf([row('a', 'enforced', 5)]);
    const written = await followed(world, {}, 9, 2, () => {
      world.onQuery.mockImplementationOnce(() => {
        throw new Error('out\u001b[2J');
      });
      world.rows.push(row('b', 'enforced', 0));
    });
    expect(written).toEqual(['a enforced', 'b enforced']);
    expect(reports).toEqual(['The history cannot be read, and the command tries again: out?[2J\n']);
  });

  it('fails when the first query fails, and ends when it is aborted', async () => {
    const world = historyOf([]);
    world.onQuery.mockImplementationOnce(() => {
      throw new Error('no such account');
    });
    await expect(followed(world, {}, 9, 1)).rejects.toThrow('no such account');
    const ending = new AbortController();
    const write = async () => {
      ending.abort();
      return true;
    };
    const end = follow(world.history, {}, 9, write, ending.signal);
    await expect(end).resolves.toBeUndefined();
  });
});

describe('rows up to a limit', () => {
  it.each([
    [999, 1500, true],
    [1000, 1000, false],
    [1000, 1001, true],
    [1500, 1500, false],
    [2000, 2001, true],
    [Number.POSITIVE_INFINITY, 2500, false],
  ])('are the first %d of %d, and "more" is %s', async (limit, count, more) => {
    const { history } = historyOf(Array.from({ length: count }, (_, index) => row(String(index), 'enforced', index)));
    const pages = await Array.fromAsync(pagesOf(history, {}, limit));
    expect(pages.flatMap(({ rows }) => rows)).toHaveLength(Math.min(limit, count));
    expect(pages.at(-1)?.more).toBe(more);
  });
});
