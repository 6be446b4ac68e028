import type { DriftRow } from './departure.ts';

/**
 * The counts of the history rows that were detected in one hour. The object is stored as JSON. {@link CountSum} adds the counts of several
 * hours.
 */
export interface HourCounts {
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
  /** Number of rows by device id. Only the devices with the most rows are kept. */
  readonly devices: Readonly<Record<string, number>>;
  /** Number of rows by property. Only the properties with the most rows are kept. The key is `<policy> <path>`. */
  readonly properties: Readonly<Record<string, number>>;
  /**
   * Number of repaired rows by the time from the start of the drift to the repair. The key is the {@link timeSlot} of the time in
   * milliseconds.
   */
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

/** Maximum number of devices, and of properties, in the counts of an hour or a day. The number is large enough to find the top ten of a month. */
const namesKept = 100;

/** Number of time slots for each factor of ten. A time that is computed from a slot has an error of at most about one eighth. */
const slotsPerDecade = 10;

/** Maximum number of names that a counter keeps in memory. A counter with more names forgets those with the smallest counts. */
const namesInMemory = 20_000;

/**
 * Counts the rows of one hour, one row at a time. The memory of the counter is limited. The counts of devices and of properties are exact
 * while an hour has at most {@link namesInMemory} of them and is counted in one go. Otherwise the largest counts may be slightly too small.
 */
export class HourCounter {
  #total: number;
  readonly #counts: CountMaps;

  /** @param begun The counts of the rows that were counted before. */
  constructor(begun: HourCounts = noCounts) {
    this.#total = begun.total;
    this.#counts = toMaps(begun);
  }

  add(row: DriftRow): void {
    const { byPolicy, byKind, byOutcome, devices, properties, times } = this.#counts;
    this.#total++;
    increase(byPolicy, row.policy);
    increase(byKind, row.kind);
    increase(byOutcome, row.outcome);
    increase(devices, row.deviceId);
    increase(properties, `${row.policy} ${row.path}`);
    for (const names of [devices, properties]) if (names.size > namesInMemory) forgetSmallest(names);
    const milliseconds = timeToRepair(row);
    if (milliseconds !== undefined) increase(times, String(timeSlot(milliseconds)));
  }

  counts(): HourCounts {
    return withTopNames(toCounts(this.#total, this.#counts));
  }
}

/** Adds the counts of hours, one hour at a time. Its memory is limited as that of an {@link HourCounter}. */
export class CountSum {
  #total = 0;
  readonly #counts = toMaps(noCounts);

  add({ total, ...hour }: HourCounts): void {
    this.#total += total;
    for (const [field, sums] of Object.entries(this.#counts)) {
      for (const [name, count] of Object.entries(hour[field as keyof typeof hour])) increase(sums, name, count);
      if (sums.size > namesInMemory) forgetSmallest(sums);
    }
  }

  counts(): HourCounts {
    return toCounts(this.#total, this.#counts);
  }
}

/** The counts of an hour without their total, as maps. */
type CountMaps = Readonly<Record<Exclude<keyof HourCounts, 'total'>, Map<string, number>>>;

function toMaps({ byPolicy, byKind, byOutcome, devices, properties, times }: HourCounts): CountMaps {
  const map = (counts: Readonly<Record<string, number>>) => new Map(Object.entries(counts));
  return {
    byPolicy: map(byPolicy),
    byKind: map(byKind),
    byOutcome: map(byOutcome),
    devices: map(devices),
    properties: map(properties),
    times: map(times),
  };
}

function toCounts(total: number, { byPolicy, byKind, byOutcome, devices, properties, times }: CountMaps): HourCounts {
  return {
    total,
    byPolicy: Object.fromEntries(byPolicy),
    byKind: Object.fromEntries(byKind),
    byOutcome: Object.fromEntries(byOutcome),
    devices: Object.fromEntries(devices),
    properties: Object.fromEntries(properties),
    times: Object.fromEntries(times),
  };
}

/** Counts with only those devices and properties that have the most rows. */
export function withTopNames(counts: HourCounts): HourCounts {
  const top = (names: Readonly<Record<string, number>>) => Object.fromEntries(largestOf(names, namesKept));
  return { ...counts, devices: top(counts.devices), properties: top(counts.properties) };
}

/** The `limit` names with the largest counts, largest first. Names with equal counts are in alphabetical order. */
export function largestOf(
  counts: Readonly<Record<string, number>>,
  limit: number,
): readonly (readonly [string, number])[] {
  return Object.entries(counts)
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit);
}

/**
 * A percentile of the repair times, in milliseconds. `undefined` when there are no times.
 *
 * @param times Number of times in each slot.
 * @param share The percentile as a number from 0 to 1, such as 0.99.
 */
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

/** The number of the slot for a time in milliseconds: ten times the decimal logarithm of the time, rounded. */
export function timeSlot(milliseconds: number): number {
  return Math.round(Math.log10(Math.max(1, milliseconds)) * slotsPerDecade);
}

/**
 * Milliseconds from the start of the drift to the repair. `undefined` when Twinkeeper did not repair the drift. For a row without an event,
 * the time of detection counts as the start, because the real start may be unknown.
 */
function timeToRepair({ outcome, outcomeAt, operationTimestamp, detectedAt }: DriftRow): number | undefined {
  if (outcome !== 'enforced' && outcome !== 'created') return undefined;
  const milliseconds = Date.parse(outcomeAt) - Date.parse(operationTimestamp ?? detectedAt);
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** Removes the half of the names with the smallest counts. */
function forgetSmallest(counts: Map<string, number>): void {
  const kept = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, namesInMemory / 2);
  counts.clear();
  for (const [name, count] of kept) counts.set(name, count);
}
