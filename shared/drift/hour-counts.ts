import type { DriftRow } from './departure.ts';

/** What an hour of the history comes to, in numbers. Tallies of several hours can be put together. Plain data, kept as JSON. */
export interface HourCounts {
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
  /** The devices with most departures. */
  readonly devices: Readonly<Record<string, number>>;
  /** The properties that departed most, as `policy`, a space and the path. */
  readonly properties: Readonly<Record<string, number>>;
  /** How long it took from the write that brought a departure until it was mended: how many times by {@link timeSlot}. */
  readonly times: Readonly<Record<string, number>>;
}

export const noCounts: HourCounts = {
  total: 0,
  byPolicy: {},
  byKind: {},
  byOutcome: {},
  devices: {},
  properties: {},
  times: {},
};

/** As many of an hour's devices and properties are kept, those with most first: enough to name the first ten of a month. */
const kept = 100;

/** Ten slots to a factor of ten: what is read from them is right within about an eighth. */
const slotsPerDecade = 10;

/** Counts rows one at a time, with as much memory as there are devices in the hour. */
export class HourCounter {
  #total = 0;
  readonly #counts = {
    byPolicy: new Map<string, number>(),
    byKind: new Map<string, number>(),
    byOutcome: new Map<string, number>(),
    devices: new Map<string, number>(),
    properties: new Map<string, number>(),
    times: new Map<string, number>(),
  };

  add(row: DriftRow): void {
    const { byPolicy, byKind, byOutcome, devices, properties, times } = this.#counts;
    this.#total++;
    count(byPolicy, row.policy);
    count(byKind, row.kind);
    count(byOutcome, row.outcome);
    count(devices, row.deviceId);
    count(properties, `${row.policy} ${row.path}`);
    const took = timeToMend(row);
    if (took !== undefined) count(times, String(timeSlot(took)));
  }

  tally(): HourCounts {
    const { byPolicy, byKind, byOutcome, devices, properties, times } = this.#counts;
    return {
      total: this.#total,
      byPolicy: Object.fromEntries(byPolicy),
      byKind: Object.fromEntries(byKind),
      byOutcome: Object.fromEntries(byOutcome),
      devices: largest(devices, kept),
      properties: largest(properties, kept),
      times: Object.fromEntries(times),
    };
  }
}

/** One tally for all of these hours. */
export function addCounts(tallies: readonly HourCounts[]): HourCounts {
  const sum = (part: Exclude<keyof HourCounts, 'total'>) => {
    const counts = new Map<string, number>();
    for (const tally of tallies) for (const [name, times] of Object.entries(tally[part])) count(counts, name, times);
    return Object.fromEntries(counts);
  };
  return {
    total: tallies.reduce((total, tally) => total + tally.total, 0),
    byPolicy: sum('byPolicy'),
    byKind: sum('byKind'),
    byOutcome: sum('byOutcome'),
    devices: sum('devices'),
    properties: sum('properties'),
    times: sum('times'),
  };
}

/** The names with the largest counts, those first; equal ones by name. */
export function largestOf(
  counts: Readonly<Record<string, number>>,
  most: number,
): readonly (readonly [string, number])[] {
  return Object.entries(counts)
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, most);
}

/** The time, in milliseconds, below which a share (0 to 1) of the times in these slots is; `undefined` when there is none. */
export function percentileOf(times: HourCounts['times'], share: number): number | undefined {
  const slots = Object.entries(times)
    .map(([slot, count]) => [Number(slot), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = slots.reduce((sum, [, count]) => sum + count, 0);
  let passed = 0;
  for (const [slot, count] of slots) {
    passed += count;
    if (passed >= share * total) return Math.round(10 ** (slot / slotsPerDecade));
  }
  return undefined;
}

/** The slot of a time in milliseconds: its logarithm, in tenths. */
export function timeSlot(milliseconds: number): number {
  return Math.round(Math.log10(Math.max(1, milliseconds)) * slotsPerDecade);
}

/** Milliseconds from the change to its mending. Where no event told of the change, from its detection: it may be older than any of us. */
function timeToMend({ outcome, outcomeAt, operationTimestamp, detectedAt }: DriftRow): number | undefined {
  if (outcome !== 'enforced' && outcome !== 'created') return undefined;
  const took = Date.parse(outcomeAt) - Date.parse(operationTimestamp ?? detectedAt);
  return Number.isFinite(took) ? Math.max(0, took) : undefined;
}

function count(counts: Map<string, number>, name: string, times = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

function largest(counts: ReadonlyMap<string, number>, most: number): Readonly<Record<string, number>> {
  return Object.fromEntries(largestOf(Object.fromEntries(counts), most));
}
