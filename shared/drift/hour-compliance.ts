/**
 * How many devices were compliant over a span of time. The roll-up counts the devices every few minutes. A count holds until the next one, so the
 * mean over the span is weighted by time, and the minimum shows a dip that was over before the span ended. A dip that begins and ends between
 * two counts does not show.
 */
export interface SpanCompliance {
  /** The numbers of the last count. */
  readonly devices: number;
  readonly compliant: number;
  /** The mean share of compliant devices, from 0 to 1. Absent where it was not counted: an earlier version of the app kept only the last count. */
  readonly mean?: number;
  /** The smallest share of compliant devices. Absent together with `mean`. */
  readonly min?: number;
  /** Milliseconds that `mean` and `min` cover. Absent together with `mean`. */
  readonly covered?: number;
}

/** The compliance of an hour while it is counted. */
export interface RunningCompliance extends SpanCompliance {
  /** The time of the last count, ISO 8601. Absent where an earlier version of the app counted. */
  readonly sampledAt?: string;
}

/**
 * Maximum number of milliseconds for which a count holds. Later, nothing is known: the roll-up may have stopped. The default of the setting
 * `TWINKEEPER_ROLLUP_SCHEDULE` counts every 5 minutes.
 */
const longestHold = 15 * 60_000;

/** One part of a share that shows: one device of a million for some minutes. */
const precision = 1e9;

/** The compliance of an hour after one more count. The same count again changes nothing. */
export function withSample(
  before: RunningCompliance | undefined,
  { devices, compliant }: Pick<SpanCompliance, 'devices' | 'compliant'>,
  at: string,
): RunningCompliance {
  const held: Partial<SpanCompliance> = before?.sampledAt === undefined ? {} : hold(before, Date.parse(at));
  // Without devices, there is nothing to be compliant.
  const share = devices === 0 ? undefined : compliant / devices;
  const { mean = share, min = share, covered = 0 } = held;
  return {
    devices,
    compliant,
    sampledAt: at,
    ...(mean === undefined || min === undefined ? {} : { mean, min: Math.min(min, share ?? min), covered }),
  };
}

/** The compliance of an hour that is over: the last count holds until its end. `end` is in milliseconds since 1970. */
export function heldUntil(running: RunningCompliance, end: number): SpanCompliance {
  const { sampledAt, ...span } = running;
  return rounded(sampledAt === undefined ? span : hold(running, end));
}

/** Joins spans, oldest first. The mean is weighted by the time that each span covers. Spans without a mean do not count. */
export function joinSpans(spans: readonly [SpanCompliance, ...SpanCompliance[]]): SpanCompliance {
  const { devices, compliant } = spans.at(-1) ?? spans[0];
  const counted = spans.flatMap(({ mean, min, covered }) =>
    mean === undefined || min === undefined || covered === undefined ? [] : [{ mean, min, covered }],
  );
  if (counted.length === 0) return { devices, compliant };
  const covered = counted.reduce((sum, span) => sum + span.covered, 0);
  const mean =
    covered === 0
      ? counted.reduce((sum, span) => sum + span.mean, 0) / counted.length
      : counted.reduce((sum, span) => sum + span.mean * span.covered, 0) / covered;
  return rounded({ devices, compliant, mean, min: Math.min(...counted.map(({ min }) => min)), covered });
}

function hold(running: RunningCompliance, until: number): SpanCompliance {
  const { devices, compliant, mean, min, covered = 0, sampledAt = '' } = running;
  const span = { devices, compliant };
  if (mean === undefined || min === undefined) return span;
  const time = Math.max(0, Math.min(until - Date.parse(sampledAt), longestHold));
  if (devices === 0 || time === 0) return { ...span, mean, min, covered };
  const all = covered + time;
  return { ...span, mean: (mean * covered + (compliant / devices) * time) / all, min, covered: all };
}

function rounded({ mean, min, ...span }: SpanCompliance): SpanCompliance {
  return mean === undefined || min === undefined ? span : { ...span, mean: round(mean), min: round(min) };
}

/** Rounds a share. Only all devices are 1. */
function round(share: number): number {
  return share >= 1 ? 1 : Math.min(precision - 1, Math.round(share * precision)) / precision;
}
