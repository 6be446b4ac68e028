import type { App } from '../compose.ts';
import type { SummaryAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import type { Slots } from './http/slots.ts';
import { completeRange, parseTime } from './http/time-range.ts';
import * as parameter from './parameter-schemas.ts';

/** The longest range that needs no slot, in milliseconds. A summary reads storage once for each day of its range. */
const longestNarrowRange = 32 * 86_400_000;

/** Creates the endpoint `GET /api/summary`. The summary of a long range takes one of the slots `wideReads`. */
export function summaryEndpoints({ rollups, now }: Pick<App, 'rollups' | 'now'>, wideReads: Slots) {
  return {
    summary: endpoint('summary', {
      summary: 'The counts of the history in a range of time, by default the last 24 hours. Updated every few minutes.',
      query: { from: parameter.from, to: parameter.to, bucket: parameter.bucket },
      answers: { 200: { schema: 'Summary' } },
      async handle({ query: { from, to, bucket = '1h' } }) {
        const at = now();
        const range = completeRange(
          {
            ...(from === undefined ? {} : { from: parseTime('from', from, at) }),
            to: to === undefined ? at.toISOString() : parseTime('to', to, at),
          },
          at,
        );
        const hours = Number.parseInt(bucket, 10) * (bucket.endsWith('d') ? 24 : 1);
        const isWide = Date.parse(range.to) - Date.parse(range.from) > longestNarrowRange;
        const release = isWide ? wideReads.take() : () => {};
        const { bucketHours: _, ...summary } = await rollups.summary(range.from, range.to, hours).finally(release);
        return { jsonBody: { ...summary, bucket } satisfies SummaryAnswer };
      },
    }),
  };
}
