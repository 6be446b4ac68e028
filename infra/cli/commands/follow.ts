import { setTimeout as sleep } from 'node:timers/promises';
import type { DriftQuery, DriftRow } from '../../../shared/drift/index.ts';
import { safeText } from '../view/safe-text.ts';
import { type HistorySource, pagesOf } from './history-source.ts';

/** Pause between two looks, in milliseconds, and at least so many times as long as a look takes. */
const lookEvery = 1_000;
const restFactor = 5;
/** A row is stored some time after what it tells of was detected: each look goes back so far. In milliseconds. */
const lookBack = 2 * 60_000;
/** And to rows that wait for their outcome, but no further than this. */
const longestWait = 60 * 60_000;
/** The app's clock may be ahead of this one. */
const clockSkew = 10 * 60_000;

/** Rows whose outcome will be another one; the others are settled. */
const unsettled: ReadonlySet<string> = new Set(['pending', 'deferred', 'heldBack'] satisfies DriftRow['outcome'][]);

/**
 * Hands over the newest `limit` rows of a query, oldest first, and then new rows, and rows again whose outcome has changed, until `signal`
 * or until `write` says that nobody reads any more. The history must be there at first; when it fails later, it is asked again.
 */
export async function follow(
  history: HistorySource,
  query: DriftQuery,
  limit: number,
  write: (rows: readonly DriftRow[]) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const { outcome: wanted, to: _, from, ...rest } = query;
  const seen = new Map<string, DriftRow>();
  const see = (rows: readonly DriftRow[]) => {
    for (const row of rows) seen.set(`${row.deviceId} ${row.rowKey}`, row);
  };
  /** Without the outcome that is asked for: a row may come to it later. */
  const since = (time: number) => {
    const beginning = Math.max(time, Date.parse(from ?? '') || 0);
    return oldestFirst(
      history,
      { ...rest, from: new Date(beginning).toISOString(), to: new Date(Date.now() + clockSkew).toISOString() },
      Number.POSITIVE_INFINITY,
    );
  };

  see(await since(Date.now() - lookBack));
  const first = await oldestFirst(history, query, limit);
  see(first);
  if (!(await write(first))) return;

  let failing = false;
  while (!signal.aborted) {
    const started = Date.now();
    try {
      const waiting = [...seen.values()].filter(({ outcome }) => unsettled.has(outcome));
      const oldest = Math.min(started - lookBack, ...waiting.map(({ detectedAt }) => Date.parse(detectedAt)));
      const beginning = Math.max(oldest, started - longestWait);
      for (const [key, { detectedAt }] of seen) if (Date.parse(detectedAt) < beginning) seen.delete(key);
      const rows = await since(beginning);
      const news = rows.filter((row) => seen.get(`${row.deviceId} ${row.rowKey}`)?.outcome !== row.outcome);
      see(news);
      const matching = news.filter(({ outcome }) => wanted === undefined || outcome === wanted);
      failing = false;
      if (matching.length > 0 && !(await write(matching.toSorted(byOutcomeTime)))) return;
    } catch (error) {
      if (!failing)
        process.stderr.write(
          `The history cannot be read, and is asked again: ${safeText((error as Error).message, 400)}\n`,
        );
      failing = true;
    }
    const rest = Math.max(lookEvery, restFactor * (Date.now() - started));
    await sleep(rest, undefined, { signal }).catch(() => {});
  }
}

async function oldestFirst(history: HistorySource, query: DriftQuery, limit: number): Promise<readonly DriftRow[]> {
  const rows: DriftRow[] = [];
  for await (const page of pagesOf(history, query, limit)) rows.push(...page.rows);
  return rows.reverse();
}

function byOutcomeTime(a: DriftRow, b: DriftRow): number {
  return a.outcomeAt < b.outcomeAt ? -1 : a.outcomeAt > b.outcomeAt ? 1 : 0;
}
