/**
 * Compares the ledger of the demo with the rows of the history. The ledger lists every departure from a policy that the demo has caused.
 * Pure functions.
 */
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';
import { departureKey, type InjectedDeparture } from './departures.ts';

export interface Comparison {
  /** The row of each departure of the ledger that has one. */
  readonly recorded: readonly DriftRow[];
  /** Departures of the ledger that no row records. */
  readonly unrecorded: readonly InjectedDeparture[];
  /** Rows that record no departure of the ledger, or a departure that already has a row. */
  readonly surplus: readonly DriftRow[];
}

/**
 * Finds for each departure of the ledger one row with the same device, module, policy, path and kind. When further writes are folded into a
 * row, the row records one departure for each of its `times`.
 */
export function compareHistory(ledger: readonly InjectedDeparture[], rows: readonly DriftRow[]): Comparison {
  const rowsByKey = Map.groupBy(rows.flatMap(oncePerDeparture), departureKey);
  const recorded: DriftRow[] = [];
  const unrecorded: InjectedDeparture[] = [];
  for (const departure of ledger) {
    const row = rowsByKey.get(departureKey(departure))?.shift();
    if (row === undefined) unrecorded.push(departure);
    else recorded.push(row);
  }
  return { recorded, unrecorded, surplus: [...rowsByKey.values()].flat() };
}

/** A list that repeats the row once for each departure that the row records. */
export function oncePerDeparture(row: DriftRow): readonly DriftRow[] {
  return Array.from({ length: row.times ?? 1 }, () => row);
}

/** Describes the departures of the ledger that have no row yet, or whose row has no final outcome yet. One line for each. */
export function unsettled(ledger: readonly InjectedDeparture[], rows: readonly DriftRow[]): readonly string[] {
  const { recorded, unrecorded } = compareHistory(ledger, rows);
  return [
    ...unrecorded.map((departure) => `${describeDeparture(departure)}: not in the history`),
    ...recorded
      .filter(({ outcome }) => !isOver(outcome))
      .map((row) => `${describeDeparture(row)}: ${row.outcome}${row.error === undefined ? '' : ` (${row.error})`}`),
  ];
}

/** A departure from a policy as text for a person: `device module path kind`. */
export function describeDeparture({ deviceId, moduleId, path, kind }: InjectedDeparture | DriftRow): string {
  return [deviceId, moduleId, path, kind].filter((part) => part !== '').join(' ');
}
