/** Reads history rows from the API, several pages of results in turn. */
import type { DriftPage, DriftRow } from '../../../api/history-answers.ts';
import { ask, type Query } from '../api/index.ts';

/** Largest number of rows in one page of results. */
export const largestPage = 1000;

/** Largest number of pages of results that one call reads. The API returns short or empty pages when its search for rows takes long. */
const mostPages = 5;

interface Gathering {
  readonly cursor?: string | undefined;
  /** Number of rows on the first page of results. */
  readonly limit: number;
  /** Number of rows after which reading stops. `limit` by default. */
  readonly most?: number;
  /** Whether reading stops after this page of results. */
  isEnough?(page: DriftPage): boolean;
  /** Returns false when the user has changed the filters or the time range. The answer is then dropped. */
  isCurrent(): boolean;
  /** Called after each page of results, with the page and with all rows read so far. */
  onPage?(page: DriftPage, gathered: readonly DriftRow[]): void;
}

interface Gathered {
  readonly rows: readonly DriftRow[];
  /** The cursor of the next page of results. Undefined when there are no further pages. */
  readonly cursor: string | undefined;
}

/**
 * Reads pages of results until there are enough rows. The result is undefined when `isCurrent` has returned false.
 *
 * @throws {Problem} when a request fails.
 */
export async function gather(
  query: Query,
  { cursor: start, limit, most = limit, isEnough, isCurrent, onPage }: Gathering,
): Promise<Gathered | undefined> {
  const rows: DriftRow[] = [];
  let cursor = start;
  for (let pages = 1; ; pages++) {
    const size = pages === 1 ? limit : Math.min(largestPage, most - rows.length);
    const page = await ask('drift', { ...query, limit: size, cursor });
    if (!isCurrent()) return undefined;
    rows.push(...page.rows);
    cursor = page.cursor;
    onPage?.(page, rows);
    if (cursor === undefined || rows.length >= most || isEnough?.(page) || pages >= mostPages) return { rows, cursor };
  }
}
