/** Compares the demo's ledger, which holds the departures that it caused, with the rows of the history. Pure. */
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';
import { departureKey, type InjectedDeparture } from './departures.ts';

export interface Comparison {
  /** Rows that record a departure of the ledger, one row for each departure. */
  readonly recorded: readonly DriftRow[];
  /** Departures without a row. */
  readonly unrecorded: readonly InjectedDeparture[];
  /** Rows without a departure in the ledger. */
  readonly surplus: readonly DriftRow[];
}

/** Pairs each departure with one row of the same device, module, policy, path and kind. */
export function compareHistory(ledger: readonly InjectedDeparture[], rows: readonly DriftRow[]): Comparison {
  const rowsByKey = Map.groupBy(rows, departureKey);
  const recorded: DriftRow[] = [];
  const unrecorded: InjectedDeparture[] = [];
  for (const departure of ledger) {
    const row = rowsByKey.get(departureKey(departure))?.shift();
    if (row === undefined) unrecorded.push(departure);
    else recorded.push(row);
  }
  return { recorded, unrecorded, surplus: [...rowsByKey.values()].flat() };
}

/** The departures of the ledger that have no row or no final outcome yet, one line each. */
export function unsettled(ledger: readonly InjectedDeparture[], rows: readonly DriftRow[]): readonly string[] {
  const { recorded, unrecorded } = compareHistory(ledger, rows);
  return [
    ...unrecorded.map((departure) => `${describeDeparture(departure)}: not in the history`),
    ...recorded
      .filter(({ outcome }) => !isOver(outcome))
      .map((row) => `${describeDeparture(row)}: ${row.outcome}${row.error === undefined ? '' : ` (${row.error})`}`),
  ];
}

/** `device module path: kind`, for a person. */
export function describeDeparture({ deviceId, moduleId, path, kind }: InjectedDeparture | DriftRow): string {
  return [deviceId, moduleId, path, kind].filter((part) => part !== '').join(' ');
}
