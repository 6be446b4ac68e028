/** The attributes of a measurement. Each name has few values, so that the number of series stays small. */
type Attributes = Readonly<Record<string, string>>;

/** The counters: their values are added up. */
const counters = ['twinkeeper.hub.calls', 'twinkeeper.hub.throttled', 'twinkeeper.drift'] as const;

/** The gauges: the last value counts. */
const gauges = ['twinkeeper.dead_letters', 'twinkeeper.compliance', 'twinkeeper.sweep.duration'] as const;

export type CounterName = (typeof counters)[number];
export type GaugeName = (typeof gauges)[number];

/** One measurement: a sum since the last export, or the last value of a gauge. */
export interface Measurement {
  readonly kind: 'counter' | 'gauge';
  readonly name: CounterName | GaugeName;
  readonly attributes: Attributes;
  readonly value: number;
}

/** Maximum number of series in memory. Names of policies are attributes, so a project with very many policies would have too many. */
const mostSeries = 1000;

/** The measurements since the last export, in memory. Counting needs no library, so an app counts before it loads the exporter. */
export class MetricBuffer {
  #series = new Map<string, Measurement>();

  count(name: CounterName, attributes: Attributes, by = 1): void {
    this.#put('counter', name, attributes, (before) => before + by);
  }

  set(name: GaugeName, value: number, attributes: Attributes = {}): void {
    this.#put('gauge', name, attributes, () => value);
  }

  get isEmpty(): boolean {
    return this.#series.size === 0;
  }

  /** Returns the measurements, and begins anew. */
  take(): readonly Measurement[] {
    const taken = [...this.#series.values()];
    this.#series = new Map();
    return taken;
  }

  #put(
    kind: Measurement['kind'],
    name: CounterName | GaugeName,
    attributes: Attributes,
    next: (before: number) => number,
  ): void {
    const key = JSON.stringify([name, Object.entries(attributes).toSorted()]);
    const value = next(this.#series.get(key)?.value ?? 0);
    if (this.#series.size < mostSeries || this.#series.has(key)) {
      this.#series.set(key, { kind, name, attributes, value });
    }
  }
}
