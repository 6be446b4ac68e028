import { type DriftQuery, summarizeRows } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import type { SummaryAnswer } from './answers.ts';
import { toBucketCompliance } from './bucket-compliance.ts';
import { endpoint } from './http/endpoint.ts';
import type { Slots } from './http/slots.ts';
import { completeRange, parseTime, type TimeRange } from './http/time-range.ts';
import * as parameter from './parameter-schemas.ts';

/** The longest range that needs no slot, in milliseconds. A summary reads storage once for each day of its range. */
const longestNarrowRange = 32 * 86_400_000;

interface BucketOptions {
  readonly bucketHours: number;
  readonly zone: string | undefined;
}

/**
 * Creates the endpoint `GET /api/summary`. The summary of a long range, and one with filters that reads the rows of the whole fleet, takes one
 * of the slots `wideReads`.
 */
export function summaryEndpoints(
  { rollups, history, now }: Pick<App, 'rollups' | 'history' | 'now'>,
  wideReads: Slots,
) {
  async function count(range: TimeRange, buckets: BucketOptions, filters: DriftQuery) {
    const { bucketHours, zone } = buckets;
    const counts = rollups.summary(range.from, range.to, bucketHours, zone);
    const isFiltered = Object.values(filters).some((value) => value !== undefined);
    if (!isFiltered) return counts;
    const [ofRows, { compliance, fleet }] = await Promise.all([
      summarizeRows(history, { ...filters, ...range }, { ...buckets, now }),
      counts,
    ]);
    const isAskedFor = ({ policy }: { readonly policy: string }) => (filters.policy ?? policy) === policy;
    return { ...ofRows, countedAt: now().toISOString(), compliance: compliance.filter(isAskedFor), fleet };
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
        zone: parameter.zone,
      },
      answers: { 200: { schema: 'Summary' } },
      async handle({ query: { from, to, bucket = '1h', zone, ...filters } }) {
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
        const counted = await count(range, { bucketHours: hours, zone }, filters as DriftQuery).finally(release);
        const { bucketHours: _, compliance, fleet, ...summary } = counted;
        const answer: SummaryAnswer = {
          ...summary,
          bucket,
          compliance: compliance.map((each) => ({ policy: each.policy, ...toBucketCompliance(each) })),
          fleet: fleet.map(toBucketCompliance),
        };
        return { jsonBody: answer };
      },
    }),
  };
}
