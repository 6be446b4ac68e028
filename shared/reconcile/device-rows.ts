import {
  type Departure,
  type DriftRow,
  driftKey,
  isOpen,
  type KnownRows,
  openKey,
  type Source,
} from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';
import type { EventRef } from './device-work.ts';
import { beginOf, isEarlier, isSameWrite, type PeriodStart, rowOfPeriod } from './missing-periods.ts';
import { wasRemovedAgain } from './removed-again.ts';

/** The values that all new rows of a pass have in common. */
export interface PassContext {
  readonly hub: string;
  readonly source: Source;
  /** Returns the current time, ISO 8601. */
  now(): string;
  /**
   * The last event that caused the pass. A row for a departure that only a twin shows refers to this event. Absent when no event caused the
   * pass.
   */
  readonly eventRef?: EventRef;
}

/**
 * The state of the row of a missing period.
 *
 * - `new`: no row records the period.
 * - `late`: no row records the period, but a row records a later period. The period is therefore over.
 * - `unfinished`: the row is `pending` or `deferred`.
 * - `open`: the row is open and has another outcome.
 * - `over`: the period is over.
 */
export type PeriodState = 'new' | 'late' | 'unfinished' | 'open' | 'over';

/**
 * The history rows of one device during one pass: the rows that the journal has stored, and the rows that the pass adds. Finds the stored
 * row of each detected departure, or adds a new row. Remembers the rows that changed. Does no I/O.
 */
export class DeviceRows {
  #known: KnownRows;
  readonly #context: PassContext;
  /** The rows of the device, by row key. A row that the pass changed replaces the row from the journal. */
  readonly #rows = new Map<string, DriftRow>();
  readonly #changed = new Set<string>();

  constructor(known: KnownRows, context: PassContext) {
    this.#known = known;
    this.#context = context;
    for (const row of [...known.recent, ...known.open]) this.#rows.set(row.rowKey, row);
  }

  /** Returns the row of a departure that an event shows. An existing row stays unchanged. Without an existing row, adds a `pending` row. */
  rowFromEvent(departure: Departure, eventRef: EventRef): DriftRow {
    return this.#find(departure) ?? this.#findFromTwin(departure) ?? this.#add(departure, eventRef, {});
  }

  /**
   * Returns the row of a departure that a twin shows. Updates an existing row, and adds a row when there is none. The metadata of a twin
   * names no exact write for a missing property. In this case, the open row of the same property is used when there is one.
   */
  rowFromTwin(detected: Departure, twin: Twin | undefined): DriftRow {
    if (detected.kind === 'missingModule') return this.#rowOfMissingModule(detected);
    const departure = this.#withWriteTime(detected);
    const versions =
      twin === undefined || departure.mode === 'audit'
        ? {}
        : { twinVersion: twin.version, desiredVersion: twin.desired.version };
    const found = this.#find(departure) ?? this.#findOpen(departure);
    const isSecond =
      found !== undefined &&
      found.rowKey !== driftKey(departure) &&
      departure.kind === 'missingProperty' &&
      twin !== undefined &&
      wasRemovedAgain(found, this.rows(), twin);
    if (isSecond) this.setOutcome(found, 'enforced');
    const row = isSecond ? undefined : found;
    if (row === undefined) return this.#add(departure, this.#context.eventRef, versions);
    // The row gets the values from the twin, which holds the whole value. An event may hold only a part of an object.
    return this.#change(this.#reopen(row), {
      ...versions,
      actual: departure.actual,
      expected: departure.expected,
      mode: departure.mode,
    });
  }

  /**
   * Returns the row of a missing period that an event shows. Without a row, adds a `pending` row. Closes the rows of earlier periods. When a
   * row records a later period, the period is over, and its row is closed too.
   */
  rowFromDeletion(departure: Departure, start: PeriodStart, eventRef: EventRef): DriftRow {
    const periods = this.#periodsOf(departure);
    const known = rowOfPeriod(periods, start);
    const row =
      known === undefined ? this.#add(departure, eventRef, versionOf(start)) : this.#takeWrite(known, start, eventRef);
    for (const other of this.#periodsOf(departure)) {
      if (other.rowKey === row.rowKey || isSameWrite(other.write, row.write)) continue;
      if (isEarlier(other, start)) {
        if (isOpen(other)) this.close(other, 'healed');
      } else if (known === undefined && isOpen(this.current(row))) this.close(row, 'healed');
    }
    return this.current(row);
  }

  /** The state of the row of a missing period that an event shows. */
  periodState(departure: Departure, start: PeriodStart): PeriodState {
    const periods = this.#periodsOf(departure);
    const row = rowOfPeriod(periods, start);
    if (row === undefined) return periods.every((other) => isEarlier(other, start)) ? 'new' : 'late';
    if (isUnfinishedRow(row)) return 'unfinished';
    return isOpen(row) ? 'open' : 'over';
  }

  /** The open row of the latest missing period of a module. */
  openPeriod(departure: Departure): DriftRow | undefined {
    const open = this.#periodsOf(departure).filter(isOpen);
    return open.toSorted((a, b) => beginOf(a) - beginOf(b)).at(-1);
  }

  /** Whether the row of a missing period has the exact write of the event that shows the period. */
  hasPeriod(departure: Departure, { write }: PeriodStart): boolean {
    return this.#periodsOf(departure).some((row) => isSameWrite(row.write, write));
  }

  /** All rows of the device, with any outcome. */
  rows(): readonly DriftRow[] {
    return [...this.#rows.values()];
  }

  /** The open rows of one module. `''` is the id of the device twin. */
  openRows(moduleId: string): readonly DriftRow[] {
    return [...this.#rows.values()].filter((row) => row.moduleId === moduleId && isOpen(row));
  }

  /** The open rows of the device and of all its modules. */
  allOpenRows(): readonly DriftRow[] {
    return [...this.#rows.values()].filter(isOpen);
  }

  /** Sets the outcome and the error of a row. A row that has this outcome and this error already stays unchanged. */
  setOutcome(row: DriftRow, outcome: DriftRow['outcome'], error?: string): DriftRow {
    const current = this.current(row);
    if (current.outcome === outcome && current.error === error) return current;
    const { error: _, ...rest } = current;
    return this.#put({
      ...rest,
      outcome,
      outcomeAt: this.#context.now(),
      ...(error === undefined ? {} : { error }),
    });
  }

  /**
   * Closes a row whose drift is over. An `audited` row keeps its outcome and gets a `closedAt`, except when the row is retired: its drift is
   * not over, so the history must say why the row is closed. Other rows get the new outcome.
   */
  close(row: DriftRow, outcome: 'healed' | 'superseded' | 'gone' | 'retired' | 'enforced' | 'created'): DriftRow {
    if (this.current(row).outcome !== 'audited' || outcome === 'retired') return this.setOutcome(row, outcome);
    return this.#change(row, { closedAt: this.#context.now() });
  }

  /** Whether another row records a later wrong write of the same property. */
  isSuperseded(row: DriftRow): boolean {
    return [...this.#rows.values()].some(
      ({ moduleId, policy, path, kind, write }) =>
        kind !== 'missingModule' &&
        (path !== '' || kind === row.kind) &&
        moduleId === row.moduleId &&
        policy === row.policy &&
        path === row.path &&
        write.version > row.write.version &&
        Date.parse(write.at) >= Date.parse(row.write.at),
    );
  }

  /** Whether a departure that an event shows has no row yet, or has an unfinished row. */
  isNewOrUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#findFromTwin(departure);
    return row === undefined || isUnfinishedRow(row);
  }

  /** Whether the row of a departure is unfinished. An earlier pass was interrupted, or deferred the device. False when there is no row. */
  isUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#findFromTwin(departure);
    return row !== undefined && isUnfinishedRow(row);
  }

  /** The latest version of a row in this pass. */
  current(row: DriftRow): DriftRow {
    return this.#rows.get(row.rowKey) ?? row;
  }

  /**
   * Returns the rows that changed since the last call, as arguments for `Journal.write`. The next call assumes that the journal has stored
   * these rows.
   */
  takeChanges(): { readonly rows: readonly DriftRow[]; readonly known: KnownRows } {
    const known = this.#known;
    const rows = [...this.#changed].flatMap((key) => this.#rows.get(key) ?? []);
    const all = [...this.#rows.values()];
    this.#changed.clear();
    this.#known = { open: all.filter(isOpen), recent: all, etags: known.etags };
    return { rows, known };
  }

  /**
   * Replaces the time of the write when the twin names no real time. The metadata of a section that was never written has the year 1.
   * Without this change, a deleted and recreated module would have the same row key as the old module. The row gets the time of the event
   * that caused the pass, or else the current time.
   */
  #withWriteTime(departure: Departure): Departure {
    const { eventRef } = this.#context;
    const { write } = departure;
    if (Date.parse(write.at) > 0) return departure;
    return {
      ...departure,
      write: { ...write, at: eventRef?.operationTimestamp ?? this.#context.now(), exact: false },
    };
  }

  /** Changes fields of a row, but not the outcome. */
  #change(row: DriftRow, changes: Partial<DriftRow>): DriftRow {
    const current = this.current(row);
    const next = { ...current, ...changes };
    return JSON.stringify(next) === JSON.stringify(current) ? current : this.#put(next);
  }

  /** Opens a closed row again. The same write can be out of line again, for example after the device returns to the scope of the policy. */
  #reopen(row: DriftRow): DriftRow {
    const { closedAt, ...open } = this.current(row);
    return closedAt === undefined ? row : this.#put(open);
  }

  #find(departure: Departure): DriftRow | undefined {
    return this.#rows.get(driftKey(departure));
  }

  /** The open row of the same property, for a departure that has no row with its own key. `undefined` when there is none. */
  #findOpen(departure: Departure): DriftRow | undefined {
    if (!departure.write.exact) return this.#findOpenByKey(departure);
    const row = this.#findFromTwin(departure);
    return row !== undefined && isOpen(row) ? row : undefined;
  }

  #findOpenByKey(departure: Departure): DriftRow | undefined {
    const key = openKey(departure);
    const rows = [...this.#rows.values()].filter((row) => isOpen(row) && openKey(row) === key);
    return rows.toSorted((a, b) => a.write.version - b.write.version).at(-1);
  }

  /**
   * Finds the row that an earlier pass added when the pass read the twin, before the event of this departure arrived. The row has the same
   * property, and its write is the same as the write of the departure, or later.
   */
  #findFromTwin(departure: Departure): DriftRow | undefined {
    const key = openKey(departure);
    const { version, at } = departure.write;
    const isLater = ({ write }: DriftRow) => write.version >= version && Date.parse(write.at) >= Date.parse(at);
    return [...this.#rows.values()].find((row) => !row.write.exact && openKey(row) === key && isLater(row));
  }

  /**
   * Returns the row of a module that is missing. A reading belongs to the open row of the module. A reading after the end of all rows shows
   * another deletion, and gets a row of its own. The event of that deletion later finds the row by the time of the reading.
   */
  #rowOfMissingModule(departure: Departure): DriftRow {
    const { write, expected, mode } = departure;
    const open = this.#periodsOf(departure).filter(isOpen);
    const row = open.find((period) => isSameWrite(period.write, write)) ?? this.openPeriod(departure);
    if (row !== undefined) return this.#change(row, { expected, mode });
    const reading = { version: 0, at: this.#context.now(), exact: false };
    return this.#add({ ...departure, write: reading }, this.#context.eventRef, {});
  }

  /**
   * Puts the exact write of an event into the row of a reading. When the row already had the write of an earlier event, the earlier period
   * gets a closed row of its own.
   */
  #takeWrite(row: DriftRow, start: PeriodStart, eventRef: EventRef): DriftRow {
    const { write } = start;
    if (isSameWrite(row.write, write)) return row;
    const { operationTimestamp, correlationId: _, twinVersion, ...rest } = this.current(row);
    if (row.write.exact && operationTimestamp !== undefined) {
      const { deviceId, moduleId, policy, path, kind, expected, actual, mode } = row;
      const earlier = { deviceId, moduleId, policy, path, kind, expected, actual, mode, write: row.write };
      this.close(
        this.#add(earlier, { operationTimestamp }, twinVersion === undefined ? {} : { twinVersion }),
        'healed',
      );
    }
    return this.#put({ ...rest, write, ...versionOf(start), ...eventRef });
  }

  /** The rows that record the module of the departure as missing, for the same policy. */
  #periodsOf(departure: Departure): readonly DriftRow[] {
    const key = openKey(departure);
    return [...this.#rows.values()].filter((row) => openKey(row) === key);
  }

  #add(departure: Departure, eventRef: EventRef | undefined, versions: Partial<DriftRow>): DriftRow {
    const { hub, source } = this.#context;
    const now = this.#context.now();
    return this.#put({
      v: 1,
      hub,
      rowKey: driftKey(departure),
      ...departure,
      detectedAt: now,
      source,
      ...(eventRef ?? {}),
      ...versions,
      outcome: 'pending',
      outcomeAt: now,
    });
  }

  #put(row: DriftRow): DriftRow {
    this.#rows.set(row.rowKey, row);
    this.#changed.add(row.rowKey);
    return row;
  }
}

/** The version of the deleted twin. A new device has none. */
function versionOf({ deletedTwin }: PeriodStart): { readonly twinVersion?: number } {
  return deletedTwin === undefined ? {} : { twinVersion: deletedTwin.version };
}

/** Whether a row is unfinished. The row is `pending` after an interrupted pass, or `deferred` while a retry is queued. */
function isUnfinishedRow({ outcome }: DriftRow): boolean {
  return outcome === 'pending' || outcome === 'deferred';
}
