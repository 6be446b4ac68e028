import {
  type Departure,
  type DriftRow,
  driftKey,
  headKey,
  isLaterWrite,
  isOnboarding,
  isOpen,
  isOver,
  isUncounted,
  type KnownRows,
  rowToFoldInto,
  rowWithFolded,
  type Source,
  withEnd,
  withFolded,
  withOutcome,
  withoutEnd,
} from '../drift/index.ts';
import type { Policy, Versions } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import type { EventRef } from './device-work.ts';
import { isSuperseded, openRowOf, rowFromEarlierRead } from './find-row.ts';
import { isUnfinishedRow, PeriodRows } from './period-rows.ts';
import { wasRemovedAgain } from './removed-again.ts';

/** The values that all new rows of a pass have in common. */
export interface PassContext {
  readonly hub: string;
  readonly source: Source;
  /** The versions that each written row names. Default: rows name none. */
  readonly versions?: Versions;
  /** Returns the current time, ISO 8601. */
  now(): string;
  /**
   * The last event that caused the pass. A row for a departure that only a twin shows refers to this event. Absent when no event caused the
   * pass.
   */
  readonly eventRef?: EventRef;
}

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
  /** The rows that record modules as missing. */
  readonly periods: PeriodRows = new PeriodRows({
    rows: () => this.rows(),
    current: (row) => this.current(row),
    now: () => this.#context.now(),
    add: (departure, eventRef, more) => this.#add(departure, eventRef ?? this.#context.eventRef, more),
    put: (row) => this.#put(row),
    close: (row, outcome) => this.close(row, outcome),
  });

  constructor(known: KnownRows, context: PassContext) {
    this.#known = known;
    this.#context = context;
    for (const row of [...known.recent, ...known.open]) this.#rows.set(row.rowKey, row);
  }

  /**
   * Returns the row of a departure that an event shows. An existing row stays unchanged. Without an existing row, adds a `pending` row. While
   * the property is contested or flaps, folds the departure into the newest row of the property instead.
   */
  rowFromEvent(departure: Departure, eventRef: EventRef): DriftRow {
    return (
      this.#countLate(departure) ??
      this.#findRecorded(departure) ??
      this.#fold(departure) ??
      this.#add(departure, eventRef, {})
    );
  }

  /**
   * Returns the row of a departure that a pass found in a twin. Updates the existing row, or adds a row when there is none. A twin does not
   * name the write that removed a property. For a missing property without a row of the same key, the open row of that property is
   * therefore the existing row.
   */
  rowFromTwin(detected: Departure, twin: Twin | undefined): DriftRow {
    if (detected.kind === 'missingModule') return this.periods.rowFromReading(detected);
    const departure = this.#withWriteTime(detected);
    const versions =
      twin === undefined || departure.mode === 'audit'
        ? {}
        : { twinVersion: twin.version, desiredVersion: twin.desired.version };
    const row =
      this.#find(departure) ??
      rowWithFolded(departure, this.rows()) ??
      this.#withoutRepaired(departure, twin, this.#findOpen(departure)) ??
      this.#fold(departure);
    if (row === undefined) return this.#add(departure, this.#context.eventRef, versions);
    const isFolded = row.lastWrite !== undefined && isLaterWrite(departure.write, row.write);
    // The row gets the values from the twin, which holds the whole value. An event may hold only a part of an object.
    return this.#change(this.#reopen(row), {
      ...versions,
      ...(isFolded ? { lastActual: departure.actual } : { actual: departure.actual }),
      expected: departure.expected,
      mode: departure.mode,
    });
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
    const { now, source } = this.#context;
    return this.#put(withOutcome(current, { outcome, error, at: now(), by: source }));
  }

  /**
   * Closes a row whose drift is over. An `audited` row keeps its outcome and gets a `closedAt`, except when the row is retired: its drift is
   * not over, so the history must say why the row is closed. Other rows get the new outcome.
   */
  close(row: DriftRow, outcome: 'healed' | 'superseded' | 'gone' | 'retired' | 'enforced' | 'created'): DriftRow {
    const current = this.current(row);
    if (current.outcome !== 'audited' || outcome === 'retired') return this.setOutcome(row, outcome);
    return this.#put(withEnd(current, this.#context.now(), this.#context.source));
  }

  /**
   * Whether another row records a later wrong write of the same property. A row of kind `missingBaseline` is about all properties of its
   * policy. A row of one of these properties can therefore supersede it, and it can supersede the row of a missing property.
   */
  isSuperseded(row: DriftRow): boolean {
    return isSuperseded(row, this.rows());
  }

  /**
   * Whether the missing properties of a policy have one row each, because separate writes removed them. When the twin then has nothing of
   * the policy, these rows stay, and no row of kind `missingBaseline` is added.
   */
  hasSeparateRows({ name, module }: Pick<Policy, 'name' | 'module'>): boolean {
    const kinds = this.openRows(module).flatMap(({ policy, kind }) => (policy === name ? kind : []));
    return kinds.includes('missingProperty') && !kinds.includes('missingBaseline');
  }

  /** Whether the row of a departure must still count the departure. The row then holds a later write, and needs no read of the twin. */
  isUncounted(departure: Departure): boolean {
    return this.#uncounted(departure) !== undefined;
  }

  /** Whether a departure that an event shows has no row yet, or has an unfinished row. */
  isNewOrUnfinished(departure: Departure): boolean {
    const row = this.#findRecorded(departure);
    return row === undefined || isUnfinishedRow(row);
  }

  /** Whether the row of a departure is unfinished. An earlier pass was interrupted, or deferred the device. False when there is no row. */
  isUnfinished(departure: Departure): boolean {
    const row = this.#findRecorded(departure);
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
    this.#known = { ...known, open: all.filter(isOpen), recent: all };
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
    const current = this.current(row);
    if (current.closedAt === undefined) return row;
    return this.#put(withoutEnd(current, this.#context.now(), this.#context.source));
  }

  #find(departure: Departure): DriftRow | undefined {
    return this.#rows.get(driftKey(departure));
  }

  /** The row that records the departure already. An earlier pass added the row, or folded the departure into the row. */
  #findRecorded(departure: Departure): DriftRow | undefined {
    return this.#find(departure) ?? rowWithFolded(departure, this.rows()) ?? rowFromEarlierRead(departure, this.rows());
  }

  /**
   * Folds a departure that has no row yet into the newest row of its property, and opens that row again. `undefined` when the departure
   * needs a row of its own.
   */
  #fold(departure: Departure): DriftRow | undefined {
    const row = rowToFoldInto(departure, this.rows());
    if (row === undefined) return undefined;
    const { closedAt, ...rest } = row;
    const isClosed = isOver(row.outcome) || closedAt !== undefined;
    const { now, source } = this.#context;
    const open = isClosed ? withOutcome(rest, { outcome: 'pending', at: now(), by: source }) : row;
    return this.#put(withFolded(open, departure));
  }

  /** Counts a write in the row that holds a later write already. `undefined` when no row has to count the write. */
  #countLate(departure: Departure): DriftRow | undefined {
    const row = this.#uncounted(departure);
    return row === undefined ? undefined : this.#put(withFolded(row, departure));
  }

  #uncounted(departure: Departure): DriftRow | undefined {
    if (this.#find(departure) !== undefined) return undefined;
    const row = rowWithFolded(departure, this.rows());
    return row !== undefined && isUncounted(row, departure) ? row : undefined;
  }

  /**
   * Returns the open row, except for a missing property or baseline that was repaired and then removed again. The second removal needs a row
   * of its own, so the open row gets the outcome `enforced`, and the result is `undefined`.
   */
  #withoutRepaired(departure: Departure, twin: Twin | undefined, row: DriftRow | undefined): DriftRow | undefined {
    if (row === undefined || twin === undefined || !isAboutRemoval(departure)) return row;
    if (!wasRemovedAgain(row, this.rows(), twin)) return row;
    this.setOutcome(row, 'enforced');
    return undefined;
  }

  /** The open row of the same property, for a departure that has no row with its own key. `undefined` when there is none. */
  #findOpen(departure: Departure): DriftRow | undefined {
    if (!departure.write.exact) return openRowOf(departure, this.rows());
    const row = rowFromEarlierRead(departure, this.rows());
    return row !== undefined && isOpen(row) ? row : undefined;
  }

  #add(departure: Departure, eventRef: EventRef | undefined, versions: Partial<DriftRow>): DriftRow {
    const { hub, source } = this.#context;
    const now = this.#context.now();
    return this.#put({
      v: 2,
      hub,
      rowKey: driftKey(departure),
      ...departure,
      detectedAt: now,
      source,
      ...(this.#isFirst(departure) ? { isFirst: true } : {}),
      ...(eventRef ?? {}),
      ...versions,
      outcome: 'pending',
      outcomeAt: now,
    });
  }

  /** Whether a row for this departure is the first about its module of the device: see `isOnboarding`. */
  #isFirst({ kind, moduleId }: Departure): boolean {
    if (kind !== 'missingModule' && kind !== 'missingBaseline') return false;
    if (!this.#known.etags.has(headKey(moduleId))) return true;
    // Somebody else has created the module of the new device just now, with an empty twin.
    const rows = this.rows().filter((row) => row.moduleId === moduleId);
    return (
      kind === 'missingBaseline' &&
      rows.length > 0 &&
      rows.every((row) => isOnboarding(row) && row.outcome !== 'created')
    );
  }

  #put(row: DriftRow): DriftRow {
    const named = this.#withVersions(row);
    this.#rows.set(row.rowKey, named);
    this.#changed.add(row.rowKey);
    return named;
  }

  /** The row with the versions that judge it now. The row of a policy that was taken out keeps the version of that policy. */
  #withVersions(row: DriftRow): DriftRow {
    const { versions } = this.#context;
    if (versions === undefined) return row;
    const policyVersion = versions.ofPolicy(row.policy);
    return { ...row, ...(policyVersion === undefined ? {} : { policyVersion }), appVersion: versions.app };
  }
}

/** Whether the departure says that properties are missing. The metadata of the twin then name no exact write. */
function isAboutRemoval({ kind }: Departure): boolean {
  return kind === 'missingProperty' || kind === 'missingBaseline';
}
