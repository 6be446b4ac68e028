/** The numbers of the live view, counted from events and history rows. Pure. */
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';

export interface FleetFigures {
  readonly devices: number;
  /** Devices that Twinkeeper has looked at. */
  readonly counted: number;
  /** Devices that Twinkeeper has looked at and that have nothing out of line. */
  readonly compliant: number;
  readonly recorded: number;
  readonly mended: number;
  /** Departures that a guard holds back now. */
  readonly heldBack: number;
}

/** Counts devices and departures from the events and history rows that it is given. */
export class FleetCounter {
  readonly #devices = new Set<string>();
  readonly #counted = new Set<string>();
  readonly #outOfLine = new Set<string>();
  /** The rows of each device that are recent or not over, by row key. */
  readonly #rows = new Map<string, Map<string, DriftRow>>();
  #recorded = 0;
  #mended = 0;

  created(deviceId: string): void {
    this.#devices.add(deviceId);
  }

  deleted(deviceId: string): void {
    for (const set of [this.#devices, this.#counted, this.#outOfLine]) set.delete(deviceId);
  }

  /** Devices that Twinkeeper may not have looked at yet. */
  uncounted(): readonly string[] {
    return [...this.#devices].filter((id) => !this.#counted.has(id));
  }

  /** Marks devices as looked at. */
  count(deviceIds: readonly string[]): void {
    for (const id of deviceIds) if (this.#devices.has(id)) this.#counted.add(id);
  }

  /** The rows of a device that are not over. */
  unfinished(deviceId: string): readonly DriftRow[] {
    return [...(this.#rows.get(deviceId)?.values() ?? [])].filter(({ outcome }) => !isOver(outcome));
  }

  /**
   * Takes in the history of a device, and returns the rows that are new or have a new outcome, oldest first.
   *
   * @param newestFirst the rows of writes since `since` (milliseconds since 1970)
   * @param isOpen whether the device has open rows
   */
  update(deviceId: string, newestFirst: readonly DriftRow[], isOpen: boolean, since: number): readonly DriftRow[] {
    // A row shows that Twinkeeper has looked at the device.
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
    this.#mended += changed.filter(({ outcome }) => outcome === 'created' || outcome === 'enforced').length;
    // The history is not asked again for rows that are over and older than `since`.
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
      mended: this.#mended,
      heldBack: rows.filter(({ outcome }) => outcome === 'heldBack').length,
    };
  }
}

/** The fleet's compliance in a few words: `20 devices, 19 compliant (95 %)`. */
export function describeFleet({ devices, counted, compliant }: FleetFigures): string {
  if (counted === 0) return `${devices} devices, not counted yet`;
  const share = Math.floor((100 * compliant) / devices);
  const rest = devices > counted ? `, ${devices - counted} not counted yet` : '';
  return `${devices} devices, ${compliant} compliant (${share} %)${rest}`;
}
