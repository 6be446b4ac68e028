/**
 * The types of the API's answers that hold numbers: the summary of the history, and the compliance of the fleet. This file imports nothing, because
 * the dashboard's page uses these types and is compiled for a browser.
 *
 * @module
 */

/** Numbers of drifts. */
export interface DriftCounts {
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
}

/** The numbers of drifts that were detected in one bucket, which is a span of time such as one hour. */
export interface SummaryBucket extends DriftCounts {
  readonly from: string;
  /**
   * The drifts among these that belong to the onboarding of devices: the first creation of a module on a device, or its first baseline. `null`
   * where an earlier version of the app counted, which did not count them apart.
   */
  readonly onboarding: DriftCounts | null;
}

/** The compliance in one bucket. `at` is the start of the bucket, ISO 8601. */
export interface BucketCompliance {
  readonly at: string;
  /** Number of devices at the last count in the bucket, and number of those that were compliant. */
  readonly devices: number;
  readonly compliant: number;
  /** The mean percentage over the counted time, weighted by time. `null` when it was not counted. */
  readonly meanPercent: number | null;
  /** The smallest percentage that was counted. `null` when it was not counted. */
  readonly minPercent: number | null;
  /** Minutes of the bucket that the mean and the minimum cover. */
  readonly countedMinutes: number;
}

/** The answer of `GET /api/summary`. */
export interface SummaryAnswer {
  /** Start and end of the counted time, ISO 8601. Both are full hours, but `to` is the current time when the last hour is still running. */
  readonly from: string;
  readonly to: string;
  /**
   * Time when the newest of the counted hours was counted, ISO 8601. Absent when no hour was counted. With filters, the time of the request.
   */
  readonly countedAt?: string;
  /**
   * With filters: the rows that were detected before this time are not all counted, because the filters match too many rows, or the search
   * took too long. ISO 8601. Absent when all are counted.
   */
  readonly incompleteBefore?: string;
  /** The parameter `bucket` of the request, such as `1h` or `1d`. */
  readonly bucket: string;
  /** The buckets that have drifts. Buckets without drifts are left out. */
  readonly buckets: readonly SummaryBucket[];
  readonly total: number;
  /** The drifts of all buckets that belong to the onboarding of devices. `null` when that is not known for all hours. */
  readonly onboarding: DriftCounts | null;
  /** The devices with the most departures. Onboarding does not count. */
  readonly topDevices: readonly { readonly deviceId: string; readonly count: number }[];
  readonly topProperties: readonly { readonly policy: string; readonly path: string; readonly count: number }[];
  /** Milliseconds from the change of a twin to its repair: the median, and the 99th percentile. Absent when nothing was repaired. */
  readonly timeToEnforcedMs?: { readonly p50: number; readonly p99: number };
  /**
   * The compliance with each policy, oldest first, with at most one entry for a policy and a bucket. Of the filters, only `policy` applies: the
   * compliance of a policy is counted in devices.
   */
  readonly compliance: readonly (BucketCompliance & { readonly policy: string })[];
  /**
   * The compliance of the fleet by bucket, oldest first: a device is compliant when it keeps to all policies that apply to it. No filter
   * applies.
   */
  readonly fleet: readonly BucketCompliance[];
}

/**
 * How many devices keep to all policies that apply to them. A number is `null` while it is not counted: the compliance is then unknown, and not
 * 100 %.
 */
export interface FleetAnswer {
  /** Number of devices to which at least one policy applies. `null` until a sweep has looked at all policies. */
  readonly devices: number | null;
  /** When a sweep counted `devices`, ISO 8601. `null` until then. */
  readonly devicesCountedAt: string | null;
  /**
   * False where `devices` also has devices to which no policy applies, because no query can test the scope of a policy, such as a function. The
   * compliance is then at most `percent`. `null` until a sweep has counted them.
   */
  readonly isExact: boolean | null;
  /** Number of devices with open rows, each counted once. Counted at `openCountedAt`. `null` right after an update of the app. */
  readonly outOfLine: number | null;
  /** `devices` minus `outOfLine`. `null` when one of them is. */
  readonly compliant: number | null;
  /** The share of compliant devices in percent, rounded down, so that 100 means all. `null` when it is not known, and without devices. */
  readonly percent: number | null;
}

/** How many rows are open, and why. */
export interface OpenTotals {
  readonly total: number;
  /**
   * Number of open rows for each reason why the drift is not repaired: the outcome, and for `heldBack` and `deferred` the first word of the
   * error. The largest number is first. Example: `heldBack: contested`.
   */
  readonly byReason: Readonly<Record<string, number>>;
}
