import { addCounts, type HourCounts, largestOf, percentileOf } from './hour-counts.ts';

/** Number of a policy's devices, and number of those that were compliant, at one time. */
export interface Compliance {
  readonly at: string;
  readonly policy: string;
  readonly devices: number;
  readonly compliant: number;
}

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

/** One hour of a summary, with the counts of the rows that were detected in the hour. */
export interface CountedHour {
  /** The hour in UTC, such as `2026-11-22T05`. */
  readonly hour: string;
  readonly counts: HourCounts;
}

/**
 * Computes the counts of a summary.
 *
 * @param hours The counted hours, oldest first.
 * @param firstHour The hour at which the first bucket starts.
 * @param bucketHours Length of a bucket, in hours.
 */
export function summarizeHours(
  hours: readonly CountedHour[],
  firstHour: string,
  bucketHours: number,
): Omit<Summary, 'from' | 'to' | 'countedAt' | 'compliance'> {
  const start = startOf(firstHour);
  const bucketOf = (hour: string) => {
    const hoursSinceStart = (startOf(hour) - start) / 3_600_000;
    return new Date(start + Math.floor(hoursSinceStart / bucketHours) * bucketHours * 3_600_000).toISOString();
  };
  const byBucket = Map.groupBy(hours, ({ hour }) => bucketOf(hour));
  const buckets = [...byBucket].flatMap(([from, hoursOfBucket]): SummaryBucket[] => {
    const { total, byPolicy, byKind, byOutcome } = addCounts(hoursOfBucket.map(({ counts }) => counts));
    return total === 0 ? [] : [{ from, total, byPolicy, byKind, byOutcome }];
  });
  const sum = addCounts(hours.map(({ counts }) => counts));
  const p50 = percentileOf(sum.times, 0.5);
  const p99 = percentileOf(sum.times, 0.99);
  return {
    bucketHours,
    buckets,
    total: sum.total,
    topDevices: largestOf(sum.devices, topCount).map(([deviceId, count]) => ({ deviceId, count })),
    topProperties: largestOf(sum.properties, topCount).map(([name, count]) => {
      const [policy = '', ...path] = name.split(' ');
      return { policy, path: path.join(' '), count };
    }),
    ...(p50 === undefined || p99 === undefined ? {} : { timeToEnforcedMs: { p50, p99 } }),
  };
}

/** The start of an hour such as `2026-11-22T05`, in milliseconds since 1970. */
export function startOf(hour: string): number {
  return Date.parse(`${hour}:00:00Z`);
}
