import { Buckets } from './buckets.ts';
import { joinSpans, type SpanCompliance } from './hour-compliance.ts';
import { CountSum, type HourCounts, largestOf, percentileOf, type RowCounts } from './hour-counts.ts';
import { type Compliance, type QuarterCounts, wholeFleet } from './quarter-counts.ts';

export interface SummaryBucket extends RowCounts {
  readonly from: string;
  /** The rows among these that belong to the onboarding of devices. `null` where an earlier version of the app has counted rows. */
  readonly onboarding: RowCounts | null;
}

/** The compliance in one bucket. `at` is the start of the bucket, ISO 8601. */
export interface BucketCompliance extends SpanCompliance {
  readonly at: string;
}

/** Counts of history rows over a range of hours. */
export interface Summary {
  /** Start of the range, ISO 8601, at a full hour. */
  readonly from: string;
  /** End of the range, ISO 8601. The end of the last hour, or the current time when the last hour is not over yet. */
  readonly to: string;
  /** The time at which the last counted hour of the range was counted, ISO 8601. Absent when no hour of the range is counted. */
  readonly countedAt?: string;
  readonly bucketHours: number;
  /** The counts by bucket, oldest first. Buckets without rows are left out. */
  readonly buckets: readonly SummaryBucket[];
  readonly total: number;
  /** The rows among these that belong to the onboarding of devices. `null` where an earlier version of the app has counted rows. */
  readonly onboarding: RowCounts | null;
  /** The devices with the most departures. Onboarding does not count. */
  readonly topDevices: readonly { readonly deviceId: string; readonly count: number }[];
  readonly topProperties: readonly { readonly policy: string; readonly path: string; readonly count: number }[];
  /**
   * Percentiles of the time from the start of the drift to the repair, in milliseconds, with an error of at most one eighth. Absent when
   * nothing was repaired.
   */
  readonly timeToEnforcedMs?: { readonly p50: number; readonly p99: number };
  /** The compliance with each policy by bucket, oldest first. At most one entry for each policy and bucket. */
  readonly compliance: readonly (BucketCompliance & { readonly policy: string })[];
  /** The compliance of the fleet by bucket, oldest first: a device is compliant when it keeps to all policies that apply to it. */
  readonly fleet: readonly BucketCompliance[];
}

/** Maximum number of devices, and of properties, in a summary. */
const topCount = 10;

/** Computes the counts of a summary from the counts of hours, one hour at a time. Keeps the names of devices only in the sum of all hours. */
export class SummaryCounter {
  readonly #buckets: Buckets;
  readonly #bucketHours: number;
  readonly #sum = new CountSum();
  /** The counts by the start of the bucket. */
  readonly #sums = new Map<number, CountSum>();
  /** The compliance of the hours, by the start of the bucket and by policy. */
  readonly #compliance = new Map<number, Map<string, [SpanCompliance, ...SpanCompliance[]]>>();

  /**
   * @param firstHour The hour at which the first bucket starts.
   * @param bucketHours Length of a bucket, in hours.
   * @param zone The time zone of the buckets: see {@link Buckets}.
   */
  constructor(firstHour: string, bucketHours: number, zone?: string) {
    this.#buckets = new Buckets(startOf(firstHour), bucketHours, zone);
    this.#bucketHours = bucketHours;
  }

  /** Adds the counts of a quarter of a day. Quarters and hours must be added oldest first. */
  addQuarter({ hours, names }: QuarterCounts): void {
    for (const [hour, counts] of hours) this.add(hour, counts);
    this.#sum.add(names);
  }

  /** Adds the counts of an hour in UTC, such as `2026-11-22T05`. */
  add(hour: string, counts: HourCounts): void {
    this.#sum.add(counts);
    if (counts.total === 0) return;
    const start = this.#buckets.startOf(startOf(hour));
    const sum = this.#sums.get(start) ?? new CountSum();
    this.#sums.set(start, sum);
    sum.add({ ...counts, devices: {}, properties: {}, times: {} });
  }

  /** Adds the compliance of hours, oldest first. */
  addCompliance(hours: readonly Compliance[]): void {
    for (const { at, policy, ...span } of hours) {
      const start = this.#buckets.startOf(Date.parse(at));
      const byPolicy = this.#compliance.get(start) ?? new Map<string, [SpanCompliance, ...SpanCompliance[]]>();
      this.#compliance.set(start, byPolicy);
      const spans = byPolicy.get(policy);
      if (spans === undefined) byPolicy.set(policy, [span]);
      else spans.push(span);
    }
  }

  summary(): Omit<Summary, 'from' | 'to' | 'countedAt'> {
    const sum = this.#sum.counts();
    const p50 = percentileOf(sum.times, 0.5);
    const p99 = percentileOf(sum.times, 0.99);
    const compliance = [...this.#compliance].flatMap(([start, byPolicy]) =>
      [...byPolicy].map(([policy, spans]) => ({ at: new Date(start).toISOString(), policy, ...joinSpans(spans) })),
    );
    return {
      bucketHours: this.#bucketHours,
      buckets: [...this.#sums].map(([start, bucket]) => {
        const { total, byPolicy, byKind, byOutcome, onboarding = null } = bucket.counts();
        return { from: new Date(start).toISOString(), total, byPolicy, byKind, byOutcome, onboarding };
      }),
      total: sum.total,
      onboarding: sum.onboarding ?? null,
      topDevices: largestOf(sum.devices, topCount).map(([deviceId, count]) => ({ deviceId, count })),
      topProperties: largestOf(sum.properties, topCount).map(([name, count]) => {
        const [policy = '', ...path] = name.split(' ');
        return { policy, path: path.join(' '), count };
      }),
      ...(p50 === undefined || p99 === undefined ? {} : { timeToEnforcedMs: { p50, p99 } }),
      compliance: compliance.filter(({ policy }) => policy !== wholeFleet),
      fleet: compliance.flatMap(({ policy, ...span }) => (policy === wholeFleet ? [span] : [])),
    };
  }
}

/** The start of an hour such as `2026-11-22T05`, in milliseconds since 1970. */
export function startOf(hour: string): number {
  return Date.parse(`${hour}:00:00Z`);
}
