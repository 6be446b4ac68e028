import type { DriftRow } from '../../../shared/drift/index.ts';
import { isEventful } from './is-eventful.ts';

/** Departures with the same policy, module, property and kind. */
export interface DepartureGroup {
  readonly policy: string;
  readonly moduleId: string;
  readonly path: string;
  readonly kind: string;
  readonly total: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly first: string;
  readonly last: string;
}

/** The departures that were detected in the range. */
export interface Tally {
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  /** Number of devices with a departure. At most {@link mostDevices} are counted. */
  readonly devices: number;
  /** Number of departures that were held back, put off, given up or only recorded at any time, or are open. */
  readonly eventful: number;
  /** The groups, the largest first, and the number of departures that are in no listed group. */
  readonly groups: readonly DepartureGroup[];
  readonly ungrouped: number;
  /** The listed departures, oldest first. */
  readonly listed: readonly DriftRow[];
}

/** Maximum number of device ids that are kept to count devices. */
export const mostDevices = 200_000;
/** Maximum number of groups that are counted, and that a report shows. */
const mostGroups = 5_000;
const mostListedGroups = 100;

/** Counts departures, and keeps some of them. The memory is bounded, however many departures there are. */
export class DepartureTally {
  readonly #mostListed: number;
  readonly #devices = new Set<string>();
  readonly #hubs = new Set<string>();
  readonly #byPolicy = new Map<string, number>();
  readonly #byOutcome = new Map<string, number>();
  readonly #byKind = new Map<string, number>();
  readonly #groups = new Map<
    string,
    Omit<DepartureGroup, 'total' | 'byOutcome'> & { byOutcome: Map<string, number> }
  >();
  readonly #eventful: DriftRow[] = [];
  readonly #plain: DriftRow[] = [];
  #eventfulCount = 0;
  #total = 0;

  /** @param mostListed Maximum number of departures that are kept. Eventful ones go first. */
  constructor(mostListed: number) {
    this.#mostListed = mostListed;
  }

  /** Adds a departure. Newer departures must be added first: when there are too many, the newest are kept. */
  add(row: DriftRow): void {
    this.#total++;
    if (this.#devices.size < mostDevices) this.#devices.add(row.deviceId);
    if (this.#hubs.size < 10) this.#hubs.add(row.hub);
    count(this.#byPolicy, row.policy);
    count(this.#byOutcome, row.outcome);
    count(this.#byKind, row.kind);
    this.#group(row);
    const eventful = isEventful(row);
    if (eventful) this.#eventfulCount++;
    const list = eventful ? this.#eventful : this.#plain;
    if (list.length < this.#mostListed) list.push(row);
  }

  #group(row: DriftRow): void {
    const { policy, moduleId, path, kind, detectedAt, outcome } = row;
    const key = JSON.stringify([policy, moduleId, path, kind]);
    const known = this.#groups.get(key);
    if (known === undefined && this.#groups.size >= mostGroups) return;
    const { first = detectedAt, last = detectedAt, byOutcome = new Map<string, number>() } = known ?? {};
    count(byOutcome, outcome);
    const [earliest, latest] = [detectedAt < first ? detectedAt : first, detectedAt > last ? detectedAt : last];
    this.#groups.set(key, { policy, moduleId, path, kind, byOutcome, first: earliest, last: latest });
  }

  get hubs(): readonly string[] {
    return [...this.#hubs];
  }

  tally(): Tally {
    const all = [...this.#groups.values()].map(({ byOutcome, ...group }): DepartureGroup => {
      const total = [...byOutcome.values()].reduce((sum, each) => sum + each, 0);
      return { ...group, total, byOutcome: largestFirst(byOutcome) };
    });
    const groups = all.toSorted((a, b) => b.total - a.total).slice(0, mostListedGroups);
    const listed = [...this.#eventful, ...this.#plain].slice(0, this.#mostListed);
    return {
      total: this.#total,
      byPolicy: largestFirst(this.#byPolicy),
      byOutcome: largestFirst(this.#byOutcome),
      byKind: largestFirst(this.#byKind),
      devices: this.#devices.size,
      eventful: this.#eventfulCount,
      groups,
      ungrouped: this.#total - groups.reduce((sum, { total }) => sum + total, 0),
      listed: listed.toSorted((a, b) => (a.detectedAt < b.detectedAt ? -1 : a.detectedAt > b.detectedAt ? 1 : 0)),
    };
  }
}

/** Adds one to the count of a name. */
export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** The counts as an object, the largest first. Names come from devices, so the object has no prototype. */
export function largestFirst(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const object: Record<string, number> = Object.create(null);
  for (const [name, number] of [...counts].toSorted(([, a], [, b]) => b - a)) object[name] = number;
  return object;
}
