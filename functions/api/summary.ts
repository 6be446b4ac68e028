import type { App } from '../compose.ts';
import { endpoint } from './http/endpoint.ts';
import { resolveTime, toRange } from './http/time-range.ts';
import * as parameter from './parameters.ts';
import type { SummaryAnswer } from './shapes.ts';

/** `GET /api/summary`. */
export function summaryEndpoints({ rollups, now }: App) {
  return {
    summary: endpoint('summary', {
      summary: 'The history of a range of time in numbers, the last 24 hours unless given. Counted every few minutes.',
      query: { from: parameter.from, to: parameter.to, bucket: parameter.bucket },
      answers: { 200: { schema: 'Summary' } },
      async handle({ query: { from, to, bucket = '1h' } }) {
        const at = now();
        const range = toRange(
          {
            ...(from === undefined ? {} : { from: resolveTime('from', from, at) }),
            to: to === undefined ? at.toISOString() : resolveTime('to', to, at),
          },
          at,
        );
        const hours = Number.parseInt(bucket, 10) * (bucket.endsWith('d') ? 24 : 1);
        const { bucketHours: _, ...summary } = await rollups.summary(range.from, range.to, hours);
        return { jsonBody: { ...summary, bucket } satisfies SummaryAnswer };
      },
    }),
  };
}
