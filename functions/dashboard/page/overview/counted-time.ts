/** Describes the time range that a summary counts. */
import type { SummaryAnswer } from '../../../api/history-answers.ts';
import { moment, span } from '../markup/index.ts';

/** Milliseconds. When the newest count is older than this at the end of the time range, the page shows the time of the count. */
const lag = 60_000;

export function isCounted({ countedAt, total }: SummaryAnswer): boolean {
  return countedAt !== undefined || total > 0;
}

/**
 * Writes the counted time range, such as `08:00 to 09:00`. When the newest count is more than a minute older than the end of the range, the
 * time of the count is added, such as `as of 08:55`.
 */
export function countedTime({ from, to, countedAt }: SummaryAnswer): string {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const isLate = countedAt !== undefined && end - Date.parse(countedAt) > lag;
  return `${span(begin, end)}${isLate ? `, as of ${moment(Date.parse(countedAt), end)}` : ''}`;
}
