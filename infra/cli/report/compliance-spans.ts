/** The compliance of a policy in one hour, as the app has counted it. */
export interface HourCompliance {
  /** The start of the hour, ISO 8601. */
  readonly at: string;
  readonly policy: string;
  readonly devices: number;
  readonly compliant: number;
  /** The mean and the smallest share of compliant devices, from 0 to 1. Absent where only the last count of the hour is known. */
  readonly mean?: number;
  readonly min?: number;
}

/** The compliance in a span of a report: one hour or one day. */
export interface ComplianceSpan {
  /** The start of the span, ISO 8601. */
  readonly from: string;
  /** Number of hours of the span that are in the range, and of those that were counted. */
  readonly hours: number;
  readonly counted: number;
  /** The mean of the counted hours and their minimum, from 0 to 1. Absent when no hour was counted. */
  readonly share?: { readonly mean: number; readonly min: number };
  /** Number of devices at the last count. Absent when no hour was counted. */
  readonly devices?: number;
}

const hour = 3_600_000;
/** Longest range whose spans are hours. */
const longestInHours = 48 * hour;

/** The hours that a range touches, as a number. */
function hoursOf(from: number, to: number): number {
  return Math.max(0, Math.ceil(to / hour) - Math.floor(from / hour));
}

/**
 * Joins the hours of one policy to spans: hours in a range of at most two days, otherwise days in UTC. The spans cover the whole range. An hour that
 * was not counted, or in which the policy had no device, is not counted as compliant: it does not count at all. Pure.
 */
export function complianceSpans(
  hours: readonly HourCompliance[],
  { from, to }: { readonly from: string; readonly to: string },
): readonly ComplianceSpan[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const length = end - start <= longestInHours ? hour : 24 * hour;
  const bySpan = Map.groupBy(hours, ({ at }) => Math.floor(Date.parse(at) / length) * length);
  const spans: ComplianceSpan[] = [];
  for (let span = Math.floor(start / length) * length; span < end; span += length) {
    const counted = (bySpan.get(span) ?? []).filter(({ at, devices }) => {
      return devices > 0 && Date.parse(at) + hour > start && Date.parse(at) < end;
    });
    const shares = counted.map(({ devices, compliant, mean = compliant / devices, min = mean }) => ({ mean, min }));
    spans.push({
      from: new Date(span).toISOString(),
      hours: hoursOf(Math.max(span, start), Math.min(span + length, end)),
      counted: counted.length,
      ...(shares.length === 0
        ? {}
        : {
            share: {
              mean: shares.reduce((sum, { mean }) => sum + mean, 0) / shares.length,
              min: Math.min(...shares.map(({ min }) => min)),
            },
            devices: counted.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)?.devices ?? 0,
          }),
    });
  }
  return spans;
}
