import type { Departure, DriftKind } from '../drift/index.ts';
import type { Json } from '../twin/index.ts';

/** Why a sweep would record a departure and change nothing. */
export type RecordedReason =
  /** The policy is in audit mode. */
  | 'audit'
  /** No value would mend the departure, or the value would make the twin too large. */
  | 'unmendable'
  /** The policy's own function throws for this twin. */
  | 'policyError'
  /** The agent does not report the desired value. */
  | 'notReported'
  /** An automatic configuration of the hub sets another value. */
  | 'competingConfiguration';

/** The planned outcome of a departure: create the module, change the property, or only record, with the reason. */
export type PlannedOutcome = 'create' | 'change' | RecordedReason;

/**
 * A change of value that is the same for `count` twins: from the value now to the wanted value. `from` is absent where the twin has no
 * value, `to` where it should have none.
 */
export interface ValueForecast {
  readonly from?: Json;
  readonly to?: Json;
  readonly count: number;
}

/** The departures at one path. */
export interface PropertyForecast {
  /** Dotted path below `properties.desired`. `''`: the module or the twin as a whole. */
  readonly path: string;
  readonly count: number;
  /** The most frequent changes of value. A value that is too long is cut, and shown as text. */
  readonly values: readonly ValueForecast[];
  /** Number of departures that `values` leaves out. */
  readonly others: number;
}

/** The departures at one path that a sweep would only record. */
export interface RecordedForecast extends PropertyForecast {
  readonly kind: DriftKind;
  readonly why: RecordedReason;
  /** The message of one of these departures. */
  readonly message?: string;
}

/** One departing device as an example. The `--json` output shows all names, `fate` among them. */
export interface ForecastExample {
  readonly deviceId: string;
  /** `''` means the twin of the device itself. */
  readonly moduleId: string;
  /** The planned outcome of the departure at `path`. */
  readonly fate: PlannedOutcome;
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
  /** Number of other departures of the same twin from the same policy. */
  readonly more: number;
}

const shownValues = 10;
const shownExamples = 10;
/**
 * Further values and paths are counted together. Devices can hold any number of values, and a custom policy can name any number of paths.
 */
const keptValues = 1000;
const keptPaths = 1000;
/** Longest JSON of a value, and longest message, in characters. */
const longestValue = 200;
const longestMessage = 300;

/** Stands for all paths beyond `keptPaths`. */
const otherPaths = '…';

/** Adds up what a policy would do to all twins. Its memory does not grow with the fleet. */
export class PolicyCounts {
  readonly #changes = new Map<string, PathCounts>();
  readonly #recorded = new Map<string, PathCounts & Pick<RecordedForecast, 'kind' | 'why' | 'message'>>();
  readonly #examples: Readonly<Record<'create' | 'change' | 'record', ForecastExample[]>> = {
    create: [],
    change: [],
    record: [],
  };
  /** Devices with at least one departure. */
  outOfLine = 0;
  /** Modules to create. */
  create = 0;
  /** Properties to change. */
  change = 0;

  /** Adds the departures of one device, each with its planned outcome. */
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

  /** At most ten examples. The kinds take turns: a property to change, a module to create, a departure to record. */
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
      this.change++;
      countIn(this.#changes, path, path, () => ({})).add(actual, expected);
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
  /** Departures whose values were not kept, because there were too many different values. */
  dropped: number;
  readonly values: Map<string, { readonly value: Omit<ValueForecast, 'count'>; count: number }>;
}

/** The counts of a path. Creates them for a new path, from `initial`. Too many paths share one entry. */
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

/** The wanted value to show. For a missing module there is none: its baseline would repeat for each policy and device. */
function wantedOf(kind: DriftKind, expected: Json | undefined): Json | undefined {
  return kind === 'missingModule' ? undefined : expected;
}

function valuesOf({ from, to }: { readonly from?: Json | undefined; readonly to?: Json | undefined }) {
  return {
    ...(from === undefined ? {} : { from: shortened(from) }),
    // In a custom finding, a null asks to remove the property.
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
