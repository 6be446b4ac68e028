/** The schemas of the API's answers that hold numbers: the summary of the history, and the compliance of the fleet. */
import * as z from 'zod/mini';
import { count, counts, optionalText, text, time } from './answer-parts.ts';
import type { BucketCompliance, DriftCounts, FleetAnswer, SummaryAnswer } from './answers.ts';

const driftCounts = {
  total: count('Drifts.'),
  byPolicy: counts('Drifts by policy.'),
  byKind: counts('Drifts by kind.'),
  byOutcome: counts('Drifts by outcome.'),
};

const onboarding = z
  .nullable(z.object(driftCounts) satisfies z.ZodMiniType<DriftCounts>)
  .check(
    z.describe(
      'The drifts among these that belong to the onboarding of devices: the first creation of a module on a device, or its first baseline. ' +
        'Null where an earlier version of the app counted, which did not count them apart.',
    ),
  );

const percent = (description: string) => z.nullable(z.number()).check(z.describe(description));
const nullableCount = (description: string) => z.nullable(z.number().check(z.int())).check(z.describe(description));

const bucketCompliance = {
  at: time('Start of the bucket.'),
  devices: count('Devices at the last count in the bucket.'),
  compliant: count('Devices among these that were compliant.'),
  meanPercent: percent('The mean percentage, weighted by time. Null when it was not counted.'),
  minPercent: percent('The smallest percentage that was counted. Null when it was not counted.'),
  countedMinutes: z.number().check(z.describe('Minutes of the bucket that the mean and the minimum cover.')),
};

export const summary: z.ZodMiniType<SummaryAnswer> = z.object({
  from: time('Start of the counted time: the start of the hour that contains `from`.'),
  to: time('End of the counted time: the end of the hour that contains `to`, or now.'),
  countedAt: optionalText(
    'When the newest of these hours was counted. With filters, the time of the request. Absent when none was counted. ISO 8601.',
  ),
  incompleteBefore: optionalText(
    'With filters: the rows that were detected before this time are not all counted, because they are too many, or the search took too long. ISO 8601. Absent when all are counted.',
  ),
  bucket: text('The `bucket` of the request.'),
  buckets: z
    .array(z.object({ from: time('Start of the bucket.'), ...driftCounts, onboarding }))
    .check(
      z.describe(
        'Buckets without any drift are left out. Updated every five minutes. The last bucket is unfinished when `to` comes before its end.',
      ),
    ),
  total: count('Drifts in all buckets, with onboarding.'),
  onboarding,
  topDevices: z
    .array(z.object({ deviceId: z.string(), count: count('Drifts.') }))
    .check(z.describe('The devices with the most departures. Onboarding does not count.')),
  topProperties: z
    .array(z.object({ policy: z.string(), path: z.string(), count: count('Drifts.') }))
    .check(z.describe('The properties with the most departures. Onboarding does not count.')),
  timeToEnforcedMs: z.exactOptional(
    z
      .object({ p50: z.number(), p99: z.number() })
      .check(
        z.describe(
          'Milliseconds from the change to the repair of the twin, exact to one eighth. Absent when nothing was repaired.',
        ),
      ),
  ),
  compliance: z
    .array(z.object({ ...bucketCompliance, policy: z.string() }))
    .check(z.describe('The compliance with each policy by bucket, oldest first.')),
  fleet: z
    .array(z.object(bucketCompliance) satisfies z.ZodMiniType<BucketCompliance>)
    .check(
      z.describe(
        'The compliance of the fleet by bucket, oldest first: a device is compliant when it keeps to all policies that apply to it.',
      ),
    ),
});

export const fleet: z.ZodMiniType<FleetAnswer> = z
  .object({
    devices: nullableCount('Devices to which a policy applies. Null until a sweep has looked at all policies.'),
    devicesCountedAt: z.nullable(z.string()).check(z.describe('When a sweep counted `devices`. ISO 8601.')),
    isExact: z
      .nullable(z.boolean())
      .check(
        z.describe(
          'False where `devices` also has devices to which no policy applies, because no query can test the scope of a policy. The compliance is then at most `percent`.',
        ),
      ),
    outOfLine: nullableCount('Devices with open drift, each counted once, at `openCountedAt`. Null when not counted.'),
    compliant: nullableCount('`devices` minus `outOfLine`. Null when one of them is.'),
    percent: percent('Percentage of compliant devices, rounded down. Null when it is not known.'),
  })
  .check(z.describe('How many devices keep to all policies that apply to them.'));
