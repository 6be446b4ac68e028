/** The time that a summary counts. */
import type { SummaryAnswer } from '../../../api/history-answers.ts';
import { moment, span } from '../markup/index.ts';

/** A count that is this old at the end of its time, in milliseconds, is shown with its own time. */
const lag = 60_000;

export function isCounted({ countedAt, total }: SummaryAnswer): boolean {
  return countedAt !== undefined || total > 0;
}

/** `08:00 to 09:00`, or `08:00 to 09:00, as of 08:55` where the count is older. */
export function countedTime({ from, to, countedAt }: SummaryAnswer): string {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const isLate = countedAt !== undefined && end - Date.parse(countedAt) > lag;
  return `${span(begin, end)}${isLate ? `, as of ${moment(Date.parse(countedAt), end)}` : ''}`;
}
