import { type DriftRow, isOnboarding } from './departure.ts';

/** Numbers of history rows. */
export interface RowCounts {
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
}

/**
 * The counts of the history rows that were detected in one hour. The object is stored as JSON. {@link CountSum} adds the counts of several
 * hours.
 */
export interface HourCounts extends RowCounts {
  /**
   * The rows among these that belong to the onboarding of a device: see {@link isOnboarding}. Absent when they are not counted apart, because
   * an earlier version of the app counted rows of the hour.
   */
  readonly onboarding?: RowCounts;
  /** Number of departures by device id, without onboarding. Only the devices with the most rows are kept. */
  readonly devices: Readonly<Record<string, number>>;
  /** Number of departures by property, without onboarding. Only the properties with the most rows are kept. The key is `<policy> <path>`. */
  readonly properties: Readonly<Record<string, number>>;
  /**
   * Number of repaired rows by the time from the start of the drift to the repair. The key is the {@link timeSlot} of the time in
   * milliseconds.
   */
  readonly times: Readonly<Record<string, number>>;
}

const noRows: RowCounts = { total: 0, byPolicy: {}, byKind: {}, byOutcome: {} };

export const noCounts: HourCounts = { ...noRows, onboarding: noRows, devices: {}, properties: {}, times: {} };

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
  readonly #sum = new CountSum();
  readonly #all = new RowSum();
  readonly #onboarding = new RowSum();
  readonly #names = toMaps(noCounts);

  /** @param begun The counts of the rows that were counted before. */
  constructor(begun: HourCounts = noCounts) {
    this.#sum.add(begun);
  }

  add(row: DriftRow): void {
    this.#all.addRow(row);
    const { devices, properties, times } = this.#names;
    if (isOnboarding(row)) this.#onboarding.addRow(row);
    else {
      increase(devices, row.deviceId);
      increase(properties, `${row.policy} ${row.path}`);
      for (const names of [devices, properties]) if (names.size > namesInMemory) forgetSmallest(names);
    }
    const milliseconds = timeToRepair(row);
    if (milliseconds !== undefined) increase(times, String(timeSlot(milliseconds)));
  }

  counts(): HourCounts {
    const sum = new CountSum();
    sum.add(this.#sum.counts());
    sum.add({ ...this.#all.counts(), onboarding: this.#onboarding.counts(), ...toCounts(this.#names) });
    return withTopNames(sum.counts());
  }
}

/** Adds the counts of hours, one hour at a time. Its memory is limited as that of an {@link HourCounter}. */
export class CountSum {
  readonly #all = new RowSum();
  readonly #onboarding = new RowSum();
  readonly #names = toMaps(noCounts);
  #isApart = true;

  add({ onboarding, devices, properties, times, ...all }: HourCounts): void {
    this.#all.add(all);
    if (onboarding !== undefined) this.#onboarding.add(onboarding);
    else if (all.total > 0) this.#isApart = false;
    for (const [field, counts] of Object.entries({ devices, properties, times })) {
      const sums = this.#names[field as keyof NameMaps];
      for (const [name, count] of Object.entries(counts)) increase(sums, name, count);
      if (sums.size > namesInMemory) forgetSmallest(sums);
    }
  }

  counts(): HourCounts {
    return {
      ...this.#all.counts(),
      ...(this.#isApart ? { onboarding: this.#onboarding.counts() } : {}),
      ...toCounts(this.#names),
    };
  }
}

/** Adds numbers of rows. */
class RowSum {
  #total = 0;
  readonly #byPolicy = new Map<string, number>();
  readonly #byKind = new Map<string, number>();
  readonly #byOutcome = new Map<string, number>();

  addRow({ policy, kind, outcome }: DriftRow): void {
    this.#total++;
    increase(this.#byPolicy, policy);
    increase(this.#byKind, kind);
    increase(this.#byOutcome, outcome);
  }

  add({ total, byPolicy, byKind, byOutcome }: RowCounts): void {
    this.#total += total;
    for (const [name, count] of Object.entries(byPolicy)) increase(this.#byPolicy, name, count);
    for (const [name, count] of Object.entries(byKind)) increase(this.#byKind, name, count);
    for (const [name, count] of Object.entries(byOutcome)) increase(this.#byOutcome, name, count);
  }

  counts(): RowCounts {
    return {
      total: this.#total,
      byPolicy: Object.fromEntries(this.#byPolicy),
      byKind: Object.fromEntries(this.#byKind),
      byOutcome: Object.fromEntries(this.#byOutcome),
    };
  }
}

/** The counts of devices, properties and times, as maps. */
type NameMaps = Readonly<Record<'devices' | 'properties' | 'times', Map<string, number>>>;

function toMaps({ devices, properties, times }: HourCounts): NameMaps {
  const map = (counts: Readonly<Record<string, number>>) => new Map(Object.entries(counts));
  return { devices: map(devices), properties: map(properties), times: map(times) };
}

function toCounts({ devices, properties, times }: NameMaps): Pick<HourCounts, keyof NameMaps> {
  return {
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
