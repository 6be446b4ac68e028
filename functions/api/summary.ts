import { type DriftQuery, summarizeRows } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import type { SummaryAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import type { Slots } from './http/slots.ts';
import { completeRange, parseTime, type TimeRange } from './http/time-range.ts';
import * as parameter from './parameter-schemas.ts';

/** The longest range that needs no slot, in milliseconds. A summary reads storage once for each day of its range. */
const longestNarrowRange = 32 * 86_400_000;

/**
 * Creates the endpoint `GET /api/summary`. The summary of a long range, and one with filters that reads the rows of the whole fleet, takes one
 * of the slots `wideReads`.
 */
export function summaryEndpoints(
  { rollups, history, now }: Pick<App, 'rollups' | 'history' | 'now'>,
  wideReads: Slots,
) {
  async function count(range: TimeRange, hours: number, filters: DriftQuery) {
    const isFiltered = Object.values(filters).some((value) => value !== undefined);
    if (!isFiltered) return rollups.summary(range.from, range.to, hours);
    const [counts, { compliance }] = await Promise.all([
      summarizeRows(history, { ...filters, ...range }, { bucketHours: hours, now }),
      rollups.summary(range.from, range.to, hours),
    ]);
    const isAskedFor = ({ policy }: { readonly policy: string }) => (filters.policy ?? policy) === policy;
    return { ...counts, countedAt: now().toISOString(), compliance: compliance.filter(isAskedFor) };
  }

  return {
    summary: endpoint('summary', {
      summary:
        'The counts of the history in a range of time, by default the last 24 hours. Updated every few minutes. With filters, the rows are read and counted at once.',
      query: {
        deviceId: parameter.deviceId,
        policy: parameter.policy,
        path: parameter.path,
        kind: parameter.kind,
        outcome: parameter.outcome,
        from: parameter.from,
        to: parameter.to,
        bucket: parameter.bucket,
      },
      answers: { 200: { schema: 'Summary' } },
      async handle({ query: { from, to, bucket = '1h', ...filters } }) {
        const at = now();
        const range = completeRange(
          {
            ...(from === undefined ? {} : { from: parseTime('from', from, at) }),
            to: to === undefined ? at.toISOString() : parseTime('to', to, at),
          },
          at,
        );
        const hours = Number.parseInt(bucket, 10) * (bucket.endsWith('d') ? 24 : 1);
        const isLong = Date.parse(range.to) - Date.parse(range.from) > longestNarrowRange;
        const { deviceId, ...others } = filters;
        const readsFleet = deviceId === undefined && Object.values(others).some((value) => value !== undefined);
        const release = isLong || readsFleet ? wideReads.take() : () => {};
        const { bucketHours: _, ...summary } = await count(range, hours, filters as DriftQuery).finally(release);
        return { jsonBody: { ...summary, bucket } satisfies SummaryAnswer };
      },
    }),
  };
}
