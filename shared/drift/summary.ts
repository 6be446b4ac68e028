import { CountSum, type HourCounts, largestOf, percentileOf } from './hour-counts.ts';
import type { Compliance, QuarterCounts } from './quarter-counts.ts';

export interface SummaryBucket {
  readonly from: string;
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
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
  readonly topDevices: readonly { readonly deviceId: string; readonly count: number }[];
  readonly topProperties: readonly { readonly policy: string; readonly path: string; readonly count: number }[];
  /**
   * Percentiles of the time from the start of the drift to the repair, in milliseconds, with an error of at most one eighth. Absent when
   * nothing was repaired.
   */
  readonly timeToEnforcedMs?: { readonly p50: number; readonly p99: number };
  /** The compliance of each policy by hour, oldest first. At most one entry for each policy and hour. */
  readonly compliance: readonly Compliance[];
}

/** Maximum number of devices, and of properties, in a summary. */
const topCount = 10;

/** Computes the counts of a summary from the counts of hours, one hour at a time. Keeps the names of devices only in the sum of all hours. */
export class SummaryCounter {
  readonly #start: number;
  readonly #bucketHours: number;
  readonly #sum = new CountSum();
  readonly #buckets = new Map<string, CountSum>();

  /**
   * @param firstHour The hour at which the first bucket starts.
   * @param bucketHours Length of a bucket, in hours.
   */
  constructor(firstHour: string, bucketHours: number) {
    this.#start = startOf(firstHour);
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
    const hoursSinceStart = (startOf(hour) - this.#start) / 3_600_000;
    const bucket = Math.floor(hoursSinceStart / this.#bucketHours) * this.#bucketHours;
    const from = new Date(this.#start + bucket * 3_600_000).toISOString();
    const sum = this.#buckets.get(from) ?? new CountSum();
    this.#buckets.set(from, sum);
    sum.add({ ...counts, devices: {}, properties: {}, times: {} });
  }

  summary(): Omit<Summary, 'from' | 'to' | 'countedAt' | 'compliance'> {
    const sum = this.#sum.counts();
    const p50 = percentileOf(sum.times, 0.5);
    const p99 = percentileOf(sum.times, 0.99);
    return {
      bucketHours: this.#bucketHours,
      buckets: [...this.#buckets].map(([from, bucket]) => {
        const { total, byPolicy, byKind, byOutcome } = bucket.counts();
        return { from, total, byPolicy, byKind, byOutcome };
      }),
      total: sum.total,
      topDevices: largestOf(sum.devices, topCount).map(([deviceId, count]) => ({ deviceId, count })),
      topProperties: largestOf(sum.properties, topCount).map(([name, count]) => {
        const [policy = '', ...path] = name.split(' ');
        return { policy, path: path.join(' '), count };
      }),
      ...(p50 === undefined || p99 === undefined ? {} : { timeToEnforcedMs: { p50, p99 } }),
    };
  }
}

/** The start of an hour such as `2026-11-22T05`, in milliseconds since 1970. */
export function startOf(hour: string): number {
  return Date.parse(`${hour}:00:00Z`);
}
