import type { Departure, DriftKind } from '../drift/index.ts';
import type { Json } from '../twin/index.ts';

/** Why a departure would be recorded and nothing changed for it. */
export type RecordedReason =
  /** The policy only audits. */
  | 'audit'
  /** Nothing that Twinkeeper could write would mend it, or a twin has no room for it. */
  | 'unmendable'
  /** The policy itself fails on the twin. */
  | 'policyError'
  /** The agent did not take what is desired. */
  | 'notReported'
  /** An automatic configuration of the hub sets it otherwise. */
  | 'competingConfiguration';

/** What would become of a departure. */
export type PlannedOutcome = 'create' | 'change' | RecordedReason;

/** So many twins have `from` there, and would get `to`, or should have it. Either is left out where there is, or should be, nothing. */
export interface ValueForecast {
  readonly from?: Json;
  readonly to?: Json;
  readonly count: number;
}

/** What departs at one path. */
export interface PropertyForecast {
  /** Dotted, below `properties.desired`; `''` for the module or the twin as a whole. */
  readonly path: string;
  readonly count: number;
  /** The most frequent ones, where there are any to tell; what is too long to show is cut, and then a text. */
  readonly values: readonly ValueForecast[];
  /** How many more there are that are not among `values`. */
  readonly others: number;
}

/** What departs at one path and would only be recorded. */
export interface RecordedForecast extends PropertyForecast {
  readonly kind: DriftKind;
  readonly why: RecordedReason;
  /** The words of one such departure. */
  readonly message?: string;
}

/** One device, and what would be done about it. */
export interface ForecastExample {
  readonly deviceId: string;
  /** `''` for the device's own twin. */
  readonly moduleId: string;
  readonly fate: PlannedOutcome;
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
  /** Departures of the same policy on the same twin beside this one. */
  readonly more: number;
}

const shownValues = 10;
const shownExamples = 10;
/** Everything from here on is counted together: devices can make up any number of values, and a custom policy of paths. */
const keptValues = 1000;
const keptPaths = 1000;
/** Characters of a value's JSON, and of a message. */
const longestValue = 200;
const longestMessage = 300;

/** The path under which departures are counted when there are too many paths to keep. */
const otherPaths = '…';

/** What a policy would do, added up over all twins. Takes no more memory for a large fleet than for a small one. */
export class PolicyCounts {
  readonly #changes = new Map<string, PathCounts>();
  readonly #recorded = new Map<string, PathCounts & Pick<RecordedForecast, 'kind' | 'why' | 'message'>>();
  readonly #examples: Readonly<Record<'create' | 'change' | 'record', ForecastExample[]>> = {
    create: [],
    change: [],
    record: [],
  };
  /** Devices with some departure. */
  outOfLine = 0;
  create = 0;
  change = 0;

  /** Adds what one device departs in; each departure with what would become of it. */
  add(deviceId: string, departures: readonly (readonly [Departure, PlannedOutcome])[]): void {
    for (const [departure, fate] of departures) this.#count(departure, fate);
    const [first] = departures.toSorted(([, a], [, b]) => rankOf(a) - rankOf(b));
    if (first === undefined) return;
    const [departure, fate] = first;
    const examples = this.#examples[fate === 'create' || fate === 'change' ? fate : 'record'];
    if (examples.length >= shownExamples) return;
    const { moduleId, path, kind, expected, actual } = departure;
    examples.push({
      deviceId,
      moduleId,
      fate,
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
      .map((tally) => {
        const { kind, why, message } = tally;
        return { ...toProperty(tally), kind, why, ...(message === undefined ? {} : { message }) };
      })
      .toSorted(byCount);
  }

  /** Ten at most, some of each kind where there are several. */
  examples(): readonly ForecastExample[] {
    const { create, change, record } = this.#examples;
    const turns = Array.from({ length: shownExamples }, (_, turn) => [change[turn], create[turn], record[turn]]);
    return turns
      .flat()
      .filter((example) => example !== undefined)
      .slice(0, shownExamples);
  }

  #count({ path, kind, expected, actual, message }: Departure, fate: PlannedOutcome): void {
    if (fate === 'create') {
      this.create++;
      return;
    }
    if (fate === 'change') {
      this.change++;
      countIn(this.#changes, path, path, () => ({})).add(actual, expected);
      return;
    }
    const first = { kind, why: fate, ...(message === undefined ? {} : { message: cut(message, longestMessage) }) };
    const key = JSON.stringify([fate, kind, path]);
    countIn(this.#recorded, key, path, () => first).add(actual, wantedOf(kind, expected));
  }
}

interface PathCounts {
  readonly path: string;
  count: number;
  /** How many had values that there was no room to keep. */
  dropped: number;
  readonly values: Map<string, { readonly value: Omit<ValueForecast, 'count'>; count: number }>;
}

/** The tally of a path, made where it is new. */
function countIn<T>(
  tallies: Map<string, PathCounts & T>,
  key: string,
  path: string,
  rest: () => T,
): { add(from: Json | undefined, to: Json | undefined): void } {
  const isKept = tallies.has(key) || tallies.size < keptPaths;
  const at = isKept ? key : otherPaths;
  const tally = tallies.get(at) ?? {
    ...rest(),
    path: isKept ? cut(path, longestValue) : otherPaths,
    count: 0,
    dropped: 0,
    values: new Map(),
  };
  tallies.set(at, tally);
  return {
    add(from, to) {
      tally.count++;
      const value = valuesOf({ from, to });
      if (value.from === undefined && value.to === undefined) return;
      const text = JSON.stringify(value);
      const known = tally.values.get(text);
      if (known !== undefined) known.count++;
      else if (tally.values.size < keptValues) tally.values.set(text, { value, count: 1 });
      else tally.dropped++;
    },
  };
}

function toProperty({ path, count, dropped, values }: PathCounts): PropertyForecast {
  const all = [...values.values()].map(({ value, count: its }): ValueForecast => ({ ...value, count: its }));
  const sorted = all.toSorted(byCount);
  const others = sorted.slice(shownValues).reduce((sum, { count: its }) => sum + its, dropped);
  return { path, count, values: sorted.slice(0, shownValues), others };
}

function byCount(a: { readonly count: number }, b: { readonly count: number }): number {
  return b.count - a.count;
}

function rankOf(fate: PlannedOutcome): number {
  return fate === 'create' ? 0 : fate === 'change' ? 1 : 2;
}

/** That a module is not there says all; its baseline would be told once for each policy and device. */
function wantedOf(kind: DriftKind, expected: Json | undefined): Json | undefined {
  return kind === 'missingModule' ? undefined : expected;
}

function valuesOf({ from, to }: { readonly from?: Json | undefined; readonly to?: Json | undefined }) {
  return {
    ...(from === undefined ? {} : { from: shortened(from) }),
    // In a custom finding, null asks for removal.
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
