/** The numbers of the live view, counted from the hub's events and the rows of the history. Pure: no I/O. */
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';

export interface FleetFigures {
  readonly devices: number;
  /** Number of devices that Twinkeeper has checked at least once. */
  readonly counted: number;
  /** Number of devices that Twinkeeper has checked and that have no open row. */
  readonly compliant: number;
  readonly recorded: number;
  readonly repaired: number;
  /** Number of drifts whose repair a guard holds back now. */
  readonly heldBack: number;
}

/** Counts devices and drifts. The caller reports the created and deleted devices, and the rows of the history. */
export class FleetCounter {
  readonly #devices = new Set<string>();
  readonly #counted = new Set<string>();
  readonly #outOfLine = new Set<string>();
  /** For each device, the rows that are recent or whose drift has not ended. The inner key is the row key. */
  readonly #rows = new Map<string, Map<string, DriftRow>>();
  #recorded = 0;
  #repaired = 0;

  created(deviceId: string): void {
    this.#devices.add(deviceId);
  }

  deleted(deviceId: string): void {
    for (const set of [this.#devices, this.#counted, this.#outOfLine]) set.delete(deviceId);
  }

  /** Ids of the devices that Twinkeeper may not have checked yet. */
  uncounted(): readonly string[] {
    return [...this.#devices].filter((id) => !this.#counted.has(id));
  }

  /** Notes that Twinkeeper has checked these devices. */
  count(deviceIds: readonly string[]): void {
    for (const id of deviceIds) if (this.#devices.has(id)) this.#counted.add(id);
  }

  /** The rows of a device whose drift has not ended. */
  unfinished(deviceId: string): readonly DriftRow[] {
    return [...(this.#rows.get(deviceId)?.values() ?? [])].filter(({ outcome }) => !isOver(outcome));
  }

  /**
   * Adds rows of a device's history to the counts. Returns the rows that are new or have a new outcome, oldest first.
   *
   * @param newestFirst the rows whose drift was caused at `since` or later (milliseconds since 1970)
   * @param isOpen whether the device has open rows
   */
  update(deviceId: string, newestFirst: readonly DriftRow[], isOpen: boolean, since: number): readonly DriftRow[] {
    // A row of the history proves that Twinkeeper has checked the device.
    if (isOpen || newestFirst.length > 0) this.count([deviceId]);
    if (isOpen && this.#devices.has(deviceId)) this.#outOfLine.add(deviceId);
    else this.#outOfLine.delete(deviceId);
    const known = this.#rows.get(deviceId) ?? new Map<string, DriftRow>();
    const changed = newestFirst.toReversed().filter((row) => {
      const before = known.get(row.rowKey);
      known.set(row.rowKey, row);
      if (before === undefined) this.#recorded++;
      return before?.outcome !== row.outcome;
    });
    this.#repaired += changed.filter(({ outcome }) => outcome === 'created' || outcome === 'enforced').length;
    // Forgets rows whose drift has ended and that are older than `since`: later reads of the history do not return them.
    for (const [key, { outcome, write }] of known) {
      if (isOver(outcome) && Date.parse(write.at) < since) known.delete(key);
    }
    if (known.size > 0) this.#rows.set(deviceId, known);
    else this.#rows.delete(deviceId);
    return changed;
  }

  get figures(): FleetFigures {
    const rows = [...this.#rows.values()].flatMap((known) => [...known.values()]);
    return {
      devices: this.#devices.size,
      counted: this.#counted.size,
      compliant: [...this.#counted].filter((id) => !this.#outOfLine.has(id)).length,
      recorded: this.#recorded,
      repaired: this.#repaired,
      heldBack: rows.filter(({ outcome }) => outcome === 'heldBack').length,
    };
  }
}

/** The compliance of the fleet in a few words. Example: `20 devices, 19 compliant (95 %)`. */
export function describeFleet({ devices, counted, compliant }: FleetFigures): string {
  if (counted === 0) return `${devices} devices, not counted yet`;
  const share = Math.floor((100 * compliant) / devices);
  const rest = devices > counted ? `, ${devices - counted} not counted yet` : '';
  return `${devices} devices, ${compliant} compliant (${share} %)${rest}`;
}
