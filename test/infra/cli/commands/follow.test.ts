import { afterEach, describe, expect, it, vi } from 'vitest';
import { follow } from '../../../../infra/cli/commands/follow.ts';
import { type HistorySource, pagesOf } from '../../../../infra/cli/commands/history-source.ts';
import type { DriftQuery, DriftRow, Outcome } from '../../../../shared/drift/index.ts';

afterEach(() => vi.restoreAllMocks());

function row(rowKey: string, outcome: Outcome, secondsAgo = 1): DriftRow {
  const at = new Date(Date.now() - 1000 * secondsAgo).toISOString();
  return { deviceId: 'd', rowKey, outcome, detectedAt: at, outcomeAt: at } as DriftRow;
}

/** A history of these rows, newest first, which does as the real one with times and outcomes. */
function historyOf(rows: DriftRow[]) {
  const looks = vi.fn();
  const page = async ({ from = '', to = '~', outcome }: DriftQuery, limit: number, cursor = '0') => {
    looks();
    const all = rows
      .filter(({ detectedAt }) => detectedAt >= from && detectedAt < to)
      .filter((each) => outcome === undefined || each.outcome === outcome)
      .toSorted((a, b) => (a.detectedAt < b.detectedAt ? 1 : -1));
    const next = Number(cursor) + limit;
    return { rows: all.slice(Number(cursor), next), ...(next <= all.length ? { cursor: String(next) } : {}) };
  };
  return { rows, looks, history: { page } as unknown as HistorySource };
}

/** Follows until this many rows were told, or nothing more is. Gives what was told. */
async function followed(
  { history }: ReturnType<typeof historyOf>,
  query: DriftQuery,
  limit: number,
  enough: number,
  onTold: (told: readonly string[]) => void = () => {},
): Promise<readonly string[]> {
  const told: string[] = [];
  const write = async (rows: readonly DriftRow[]) => {
    told.push(...rows.map(({ rowKey, outcome }) => `${rowKey} ${outcome}`));
    onTold(told);
    return told.length < enough;
  };
  await follow(history, query, limit, write, new AbortController().signal);
  return told;
}

describe('following the history', () => {
  it('tells the newest rows, oldest first, and then only what is new', async () => {
    const world = historyOf([row('a', 'enforced', 30), row('b', 'enforced', 20), row('c', 'enforced', 10)]);
    const told = await followed(world, {}, 2, 3, () => {
      if (world.rows.length === 3) world.rows.push(row('d', 'created', 0));
    });
    expect(told).toEqual(['b enforced', 'c enforced', 'd created']);
  });

  it('tells a row again when it has another outcome, also one that waited for longer than a look goes back', async () => {
    const world = historyOf([row('a', 'pending', 1), row('b', 'deferred', 20 * 60)]);
    const told = await followed(world, {}, 9, 4, () => {
      world.rows.splice(0, 2, row('a', 'enforced', 1), row('b', 'failed', 20 * 60));
    });
    expect(told.slice(0, 2)).toEqual(['b deferred', 'a pending']);
    expect(told.slice(2).toSorted()).toEqual(['a enforced', 'b failed']);
  });

  it('tells a row once it has come to the outcome that is asked for', async () => {
    const world = historyOf([row('a', 'pending', 5)]);
    let first = true;
    const told = await followed(world, { outcome: 'enforced' }, 9, 1, () => {
      if (first) world.rows.splice(0, 1, row('a', 'enforced', 5));
      first = false;
    });
    expect(told).toEqual(['a enforced']);
  });

  it('goes on where the history cannot be read for a while, and says so once', async () => {
    const said: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said.push(String(text));
      return true;
    });
    const world = historyOf([row('a', 'enforced', 5)]);
    const told = await followed(world, {}, 9, 2, () => {
      world.looks.mockImplementationOnce(() => {
        throw new Error('out\u001b[2J');
      });
      world.rows.push(row('b', 'enforced', 0));
    });
    expect(told).toEqual(['a enforced', 'b enforced']);
    expect(said).toEqual(['The history cannot be read, and is asked again: out?[2J\n']);
  });

  it('fails where the history cannot be read at all, and ends when it is told to', async () => {
    const world = historyOf([]);
    world.looks.mockImplementationOnce(() => {
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
  ])('%d of %d: all that are wanted, and whether there are more is %s', async (limit, count, more) => {
    const { history } = historyOf(Array.from({ length: count }, (_, index) => row(String(index), 'enforced', index)));
    const pages = await Array.fromAsync(pagesOf(history, {}, limit));
    expect(pages.flatMap(({ rows }) => rows)).toHaveLength(Math.min(limit, count));
    expect(pages.at(-1)?.more).toBe(more);
  });
});
