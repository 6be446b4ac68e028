import { setTimeout as sleep } from 'node:timers/promises';
import type { DriftQuery, DriftRow } from '../../../shared/drift/index.ts';
import { safeText } from '../view/safe-text.ts';
import { type HistorySource, pagesOf } from './history-source.ts';

/** The shortest pause between two polls, in milliseconds. */
const shortestPause = 1_000;
/** A pause between two polls takes at least this many times as long as the poll before it took. */
const pauseFactor = 5;
/**
 * Milliseconds before now that each poll covers at least. A row is stored some time after the drift was detected, so a poll must read older
 * times again.
 */
const lookBack = 2 * 60_000;
/** Milliseconds before now that a poll covers at most. It covers this long only while older rows wait for their final outcome. */
const longestLookBack = 60 * 60_000;
/** Milliseconds by which the clock of the app may be ahead of the clock of this machine. */
const clockSkew = 10 * 60_000;

/** Outcomes that can still change to another outcome. */
const unsettled: ReadonlySet<string> = new Set(['pending', 'deferred', 'heldBack'] satisfies DriftRow['outcome'][]);

/**
 * Writes the newest `limit` rows of a query, oldest first. Then polls the history, and writes each row that is new or has a new outcome.
 * Returns when `signal` is aborted, or when `write` resolves with false. If the first query fails, its error is thrown. If a later poll
 * fails, the poll is repeated.
 */
export async function follow(
  history: HistorySource,
  query: DriftQuery,
  limit: number,
  write: (rows: readonly DriftRow[]) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const { outcome, outcomeNow, to: _, from, ...rest } = query;
  // Of the rows that follow, only those that get the outcome are news.
  const wanted = outcomeNow ?? outcome;
  const seen = new Map<string, DriftRow>();
  const remember = (rows: readonly DriftRow[]) => {
    for (const row of rows) seen.set(`${row.deviceId} ${row.rowKey}`, row);
  };
  /** Reads all rows since a time, whatever their outcome: a row can later get the outcome that the query asks for. */
  const rowsSince = (time: number) => {
    const beginning = Math.max(time, Date.parse(from ?? '') || 0);
    return oldestFirst(
      history,
      { ...rest, from: new Date(beginning).toISOString(), to: new Date(Date.now() + clockSkew).toISOString() },
      Number.POSITIVE_INFINITY,
    );
  };

  remember(await rowsSince(Date.now() - lookBack));
  const first = await oldestFirst(history, query, limit);
  remember(first);
  if (!(await write(first))) return;

  let failing = false;
  while (!signal.aborted) {
    const started = Date.now();
    try {
      const waiting = [...seen.values()].filter(({ outcome }) => unsettled.has(outcome));
      const oldest = Math.min(started - lookBack, ...waiting.map(({ detectedAt }) => Date.parse(detectedAt)));
      const beginning = Math.max(oldest, started - longestLookBack);
      for (const [key, { detectedAt }] of seen) if (Date.parse(detectedAt) < beginning) seen.delete(key);
      const rows = await rowsSince(beginning);
      const news = rows.filter((row) => seen.get(`${row.deviceId} ${row.rowKey}`)?.outcome !== row.outcome);
      remember(news);
      const matching = news.filter((row) => wanted === undefined || row.outcome === wanted);
      failing = false;
      if (matching.length > 0 && !(await write(matching.toSorted(byOutcomeTime)))) return;
    } catch (error) {
      if (!failing)
        process.stderr.write(
          `The history cannot be read, and the command tries again: ${safeText((error as Error).message, 400)}\n`,
        );
      failing = true;
    }
    const pause = Math.max(shortestPause, pauseFactor * (Date.now() - started));
    await sleep(pause, undefined, { signal }).catch(() => {});
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
