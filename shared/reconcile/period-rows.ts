import { type Departure, type DriftRow, isOpen, openKey } from '../drift/index.ts';
import { jsonEquals } from '../twin/index.ts';
import type { EventRef } from './device-work.ts';
import { beginOf, isEarlier, isSameWrite, type PeriodStart, rowOfPeriod } from './missing-periods.ts';

/**
 * The state of the row of a missing period. In a missing period, a module is missing: see `missing-periods.ts`.
 *
 * - `new`: no row records the period.
 * - `late`: no row records the period, but a row records a later period. The period is therefore over.
 * - `unfinished`: the row is `pending` or `deferred`.
 * - `open`: the row is open and has another outcome.
 * - `over`: the period is over.
 */
export type PeriodState = 'new' | 'late' | 'unfinished' | 'open' | 'over';

/** The rows of one device during one pass. {@link PeriodRows} reads and changes them. */
interface RowStore {
  rows(): readonly DriftRow[];
  /** Returns the latest version of a row. */
  current(row: DriftRow): DriftRow;
  /** Returns the current time, ISO 8601. */
  now(): string;
  /** Adds a `pending` row. Without `eventRef`, the row refers to the last event that caused the pass. */
  add(departure: Departure, eventRef: EventRef | undefined, more: Partial<DriftRow>): DriftRow;
  put(row: DriftRow): DriftRow;
  close(row: DriftRow, outcome: 'healed'): DriftRow;
}

/**
 * The rows of one device that record modules as missing. A missing period is a time in which a module is missing: see `missing-periods.ts`.
 * Each missing period has one row for each policy. This class finds the row, or adds it. Does no I/O.
 */
export class PeriodRows {
  readonly #store: RowStore;

  constructor(store: RowStore) {
    this.#store = store;
  }

  /**
   * Returns the row of the missing period that begins with `start`, the operation of an event. Adds a `pending` row when there is none. The
   * beginning of this period shows that all earlier periods are over, so their open rows are closed. An added row is closed too when
   * another row records a later period, because the added row's period is then over.
   */
  rowFromDeletion(departure: Departure, start: PeriodStart, eventRef: EventRef): DriftRow {
    const store = this.#store;
    const periods = this.#periodsOf(departure);
    const known = rowOfPeriod(periods, start);
    const row =
      known === undefined ? store.add(departure, eventRef, versionOf(start)) : this.#takeWrite(known, start, eventRef);
    for (const other of this.#periodsOf(departure)) {
      if (other.rowKey === row.rowKey || isSameWrite(other.write, row.write)) continue;
      if (isEarlier(other, start)) {
        if (isOpen(other)) store.close(other, 'healed');
      } else if (known === undefined && isOpen(store.current(row))) store.close(row, 'healed');
    }
    return store.current(row);
  }

  /** The state of the row of the missing period that begins with `start`. */
  periodState(departure: Departure, start: PeriodStart): PeriodState {
    const periods = this.#periodsOf(departure);
    const row = rowOfPeriod(periods, start);
    if (row === undefined) return periods.every((other) => isEarlier(other, start)) ? 'new' : 'late';
    if (isUnfinishedRow(row)) return 'unfinished';
    return isOpen(row) ? 'open' : 'over';
  }

  /** The open row of the latest missing period. `undefined` when no row is open. */
  openPeriod(departure: Departure): DriftRow | undefined {
    const open = this.#periodsOf(departure).filter(isOpen);
    return open.toSorted((a, b) => beginOf(a) - beginOf(b)).at(-1);
  }

  /** Whether a row already has the exact write of the event that reports the beginning of a missing period. */
  hasPeriod(departure: Departure, { write }: PeriodStart): boolean {
    return this.#periodsOf(departure).some((row) => isSameWrite(row.write, write));
  }

  /**
   * Returns the row of a module that a read did not find. When the module has an open row, that row also records this read. When the module
   * has no open row, the read shows another deletion, and a new row is added. The event of that deletion later finds the new row by the
   * time of the read.
   */
  rowFromReading(departure: Departure): DriftRow {
    const { write, expected, mode } = departure;
    const open = this.#periodsOf(departure).filter(isOpen);
    const row = open.find((period) => isSameWrite(period.write, write)) ?? this.openPeriod(departure);
    if (row !== undefined) {
      const current = this.#store.current(row);
      const isUnchanged = current.mode === mode && jsonEquals(current.expected, expected);
      return isUnchanged ? current : this.#store.put({ ...current, expected, mode });
    }
    const reading = { version: 0, at: this.#store.now(), exact: false };
    return this.#store.add({ ...departure, write: reading }, undefined, {});
  }

  /**
   * Puts the exact write of an event into a row that a read has added. When the row already has the write of an earlier event, that write
   * belongs to an earlier period, which gets a closed row of its own.
   */
  #takeWrite(row: DriftRow, start: PeriodStart, eventRef: EventRef): DriftRow {
    const { write } = start;
    if (isSameWrite(row.write, write)) return row;
    const { operationTimestamp, correlationId: _, twinVersion, ...rest } = this.#store.current(row);
    if (row.write.exact && operationTimestamp !== undefined) {
      const { deviceId, moduleId, policy, path, kind, expected, actual, mode } = row;
      const earlier = { deviceId, moduleId, policy, path, kind, expected, actual, mode, write: row.write };
      const version = twinVersion === undefined ? {} : { twinVersion };
      this.#store.close(this.#store.add(earlier, { operationTimestamp }, version), 'healed');
    }
    return this.#store.put({ ...rest, write, ...versionOf(start), ...eventRef });
  }

  /** The rows that record the module of the departure as missing, for the same policy. */
  #periodsOf(departure: Departure): readonly DriftRow[] {
    const key = openKey(departure);
    return this.#store.rows().filter((row) => openKey(row) === key);
  }
}

/** The version of the deleted module's twin. Empty when the period begins with a new device. */
function versionOf({ deletedTwin }: PeriodStart): { readonly twinVersion?: number } {
  return deletedTwin === undefined ? {} : { twinVersion: deletedTwin.version };
}

/** Whether a row is unfinished. The row is `pending` after an interrupted pass, or `deferred` while a retry is queued. */
export function isUnfinishedRow({ outcome }: DriftRow): boolean {
  return outcome === 'pending' || outcome === 'deferred';
}
