import type { Departure, DriftKind } from '../drift/index.ts';
import { isJsonObject, type Json } from '../twin/index.ts';

/** Why a sweep would only record a departure from a policy, and change nothing. */
export type RecordedReason =
  /** The policy is in audit mode. */
  | 'audit'
  /** Drift that cannot be repaired: no value would comply, or the twin would be too large after the repair. */
  | 'unmendable'
  /** The policy's own `evaluate` or `appliesTo` function throws an error for this device. */
  | 'policyError'
  /** The agent on the device does not report the desired value. */
  | 'notReported'
  /** An automatic configuration of the hub sets another value. */
  | 'competingConfiguration';

/**
 * The planned result for one departure from a policy. `create`: create the module. `change`: change the property. Any other value: only
 * record the departure, for this reason.
 */
export type PlannedOutcome = 'create' | 'change' | RecordedReason;

/**
 * A change of one property from its current value to the wanted value. `count` twins need the same change. `from` is absent where the twin
 * has no value. `to` is absent where the policy wants no value.
 */
export interface ValueForecast {
  readonly from?: Json;
  readonly to?: Json;
  readonly count: number;
}

/** The departures from one policy at one path. */
export interface PropertyForecast {
  /** Dotted path below `properties.desired`. `''` means the module or the twin as a whole. */
  readonly path: string;
  readonly count: number;
  /** The most frequent changes of the value, at most 10. A long value is cut to 200 characters, and shown as text. */
  readonly values: readonly ValueForecast[];
  /** Number of departures that have values and whose values are not listed in `values`. */
  readonly others: number;
}

/** The departures from one policy at one path that a sweep would only record. */
export interface RecordedForecast extends PropertyForecast {
  readonly kind: DriftKind;
  readonly why: RecordedReason;
  /** Message of one of these departures, as an example. Absent where that departure has no message. */
  readonly message?: string;
}

/** One device that breaks the policy, as an example. The `--json` output contains all of these property names, also `fate`. */
export interface ForecastExample {
  readonly deviceId: string;
  /** Name of the module. `''` means the device's own twin. */
  readonly moduleId: string;
  /** The planned result for the departure at `path`. */
  readonly fate: PlannedOutcome;
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
  /** Number of other departures of this twin from the same policy. */
  readonly more: number;
}

const shownValues = 10;
const shownExamples = 10;
/**
 * Limits for the different values and paths that are counted separately. All others are counted together, so that the memory stays small.
 */
const keptValues = 1000;
const keptPaths = 1000;
/** Maximum length in characters: of a value's JSON, and of a message. Longer text is cut. */
const longestValue = 200;
const longestMessage = 300;

/** The path that is shown for all paths beyond `keptPaths`. */
const otherPaths = '…';

/** Counts what a policy would do to all twins. The memory that this takes does not grow with the fleet. */
export class PolicyCounts {
  readonly #changes = new Map<string, PathCounts>();
  readonly #recorded = new Map<string, PathCounts & Pick<RecordedForecast, 'kind' | 'why' | 'message'>>();
  readonly #examples: Readonly<Record<'create' | 'change' | 'record', ForecastExample[]>> = {
    create: [],
    change: [],
    record: [],
  };
  /** Number of devices with at least one departure from the policy. */
  outOfLine = 0;
  /** Number of modules to create. */
  create = 0;
  /** Number of properties to change. A missing baseline counts with the number of its properties. */
  change = 0;

  /** Counts the departures of one device from the policy, each with its planned result. */
  add(deviceId: string, departures: readonly (readonly [Departure, PlannedOutcome])[]): void {
    for (const [departure, outcome] of departures) this.#count(departure, outcome);
    const [first] = departures.toSorted(([, a], [, b]) => rankOf(a) - rankOf(b));
    if (first === undefined) return;
    const [departure, outcome] = first;
    const examples = this.#examples[outcome === 'create' || outcome === 'change' ? outcome : 'record'];
    if (examples.length >= shownExamples) return;
    const { moduleId, path, kind, expected, actual } = departure;
    examples.push({
      deviceId,
      moduleId,
      fate: outcome,
      path,
      ...valuesOf({ from: actual, to: wantedOf(kind, expected) }),
      more: departures.length - 1,
    });
  }

  changes(): readonly PropertyForecast[] {
    return [...this.#changes.values()].map(toProperty).toSorted(byCount);
  }

  recorded(): readonly RecordedForecast[] {
    return [...this.#recorded.values()]
      .map((counts) => {
        const { kind, why, message } = counts;
        return { ...toProperty(counts), kind, why, ...(message === undefined ? {} : { message }) };
      })
      .toSorted(byCount);
  }

  /** Returns at most 10 examples. The kinds of example take turns: a property to change, a module to create, a departure to record. */
  examples(): readonly ForecastExample[] {
    const { create, change, record } = this.#examples;
    const rounds = Array.from({ length: shownExamples }, (_, round) => [change[round], create[round], record[round]]);
    return rounds
      .flat()
      .filter((example) => example !== undefined)
      .slice(0, shownExamples);
  }

  #count({ path, kind, expected, actual, message }: Departure, outcome: PlannedOutcome): void {
    if (outcome === 'create') {
      this.create++;
      return;
    }
    if (outcome === 'change') {
      this.change += kind === 'missingBaseline' ? leafCount(expected) : 1;
      countIn(this.#changes, path, path, () => ({})).add(actual, wantedOf(kind, expected));
      return;
    }
    const first = { kind, why: outcome, ...(message === undefined ? {} : { message: cut(message, longestMessage) }) };
    const key = JSON.stringify([outcome, kind, path]);
    countIn(this.#recorded, key, path, () => first).add(actual, wantedOf(kind, expected));
  }
}

interface PathCounts {
  readonly path: string;
  count: number;
  /** Number of departures whose values were not kept, because there were more than 1000 different values. */
  dropped: number;
  readonly values: Map<string, { readonly value: Omit<ValueForecast, 'count'>; count: number }>;
}

/** Finds the counts of a path. For a new path, creates the counts from `initial`. Paths beyond the limit share one entry. */
function countIn<T>(
  countsByKey: Map<string, PathCounts & T>,
  key: string,
  path: string,
  initial: () => T,
): { add(from: Json | undefined, to: Json | undefined): void } {
  const isKept = countsByKey.has(key) || countsByKey.size < keptPaths;
  const mapKey = isKept ? key : otherPaths;
  const counts = countsByKey.get(mapKey) ?? {
    ...initial(),
    path: isKept ? cut(path, longestValue) : otherPaths,
    count: 0,
    dropped: 0,
    values: new Map(),
  };
  countsByKey.set(mapKey, counts);
  return {
    add(from, to) {
      counts.count++;
      const value = valuesOf({ from, to });
      if (value.from === undefined && value.to === undefined) return;
      const text = JSON.stringify(value);
      const known = counts.values.get(text);
      if (known !== undefined) known.count++;
      else if (counts.values.size < keptValues) counts.values.set(text, { value, count: 1 });
      else counts.dropped++;
    },
  };
}

function toProperty({ path, count, dropped, values }: PathCounts): PropertyForecast {
  const all = [...values.values()].map(({ value, count: twins }): ValueForecast => ({ ...value, count: twins }));
  const sorted = all.toSorted(byCount);
  const others = sorted.slice(shownValues).reduce((sum, { count: twins }) => sum + twins, dropped);
  return { path, count, values: sorted.slice(0, shownValues), others };
}

function byCount(a: { readonly count: number }, b: { readonly count: number }): number {
  return b.count - a.count;
}

function rankOf(outcome: PlannedOutcome): number {
  return outcome === 'create' ? 0 : outcome === 'change' ? 1 : 2;
}

/**
 * Returns the wanted value to show. Returns `undefined` for a missing module or baseline: the baseline is long, and is the same on all
 * devices.
 */
function wantedOf(kind: DriftKind, expected: Json | undefined): Json | undefined {
  return kind === 'missingModule' || kind === 'missingBaseline' ? undefined : expected;
}

/** Number of properties in a baseline. */
function leafCount(value: Json | undefined): number {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + leafCount(inner), 0);
}

function valuesOf({ from, to }: { readonly from?: Json | undefined; readonly to?: Json | undefined }) {
  return {
    ...(from === undefined ? {} : { from: shortened(from) }),
    // A custom `evaluate` function returns null to ask for the removal of a property.
    ...(to === undefined || to === null ? {} : { to: shortened(to) }),
  };
}

function shortened(value: Json): Json {
  const text = JSON.stringify(value);
  return text.length > longestValue ? cut(text, longestValue) : value;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
