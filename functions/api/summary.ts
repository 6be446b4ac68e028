import type { BucketCompliance as CountedCompliance } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import type { BucketCompliance, SummaryAnswer } from './answers.ts';
import { percentOf } from './fleet-answer.ts';
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
      query: { from: parameter.from, to: parameter.to, bucket: parameter.bucket, zone: parameter.zone },
      answers: { 200: { schema: 'Summary' } },
      async handle({ query: { from, to, bucket = '1h', zone } }) {
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
        const counted = await rollups.summary(range.from, range.to, hours, zone).finally(release);
        const { bucketHours: _, compliance, fleet, ...summary } = counted;
        const answer: SummaryAnswer = {
          ...summary,
          bucket,
          compliance: compliance.map((each) => ({ policy: each.policy, ...toAnswer(each) })),
          fleet: fleet.map(toAnswer),
        };
        return { jsonBody: answer };
      },
    }),
  };
}

function toAnswer({ at, devices, compliant, mean, min, covered = 0 }: CountedCompliance): BucketCompliance {
  return {
    at,
    devices,
    compliant,
    meanPercent: mean === undefined ? null : percentOf(mean, 4),
    minPercent: min === undefined ? null : percentOf(min, 4),
    countedMinutes: Math.round(covered / 6000) / 10,
  };
}
