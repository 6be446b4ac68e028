/** Reads the history page by page. */
import type { DriftPage, DriftRow } from '../../../api/history-answers.ts';
import { ask, type Query } from '../api/index.ts';

/** The most rows that the API puts into one page. */
export const largestPage = 1000;

/** The most pages in one go. The API returns short pages, or empty ones, where looking for rows takes long. */
const mostPages = 5;

interface Gathering {
  readonly cursor?: string | undefined;
  /** The size of the first page. */
  readonly limit: number;
  /** The number of rows to gather, `limit` by default. */
  readonly most?: number;
  /** Ends the gathering after this page. */
  isEnough?(page: DriftPage): boolean;
  /** False once another question is asked: the answer is dropped. */
  isCurrent(): boolean;
  /** Receives each page and all rows up to it. */
  onPage?(page: DriftPage, gathered: readonly DriftRow[]): void;
}

interface Gathered {
  readonly rows: readonly DriftRow[];
  /** The place of the next page; undefined at the end of the history. */
  readonly cursor: string | undefined;
}

/** Asks for pages until there are enough rows. Undefined where the answer is no longer current. @throws {Problem} */
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
