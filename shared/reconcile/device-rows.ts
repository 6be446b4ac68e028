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

/** The fields that all new rows of a pass share. */
export interface PassContext {
  readonly hub: string;
  readonly source: Source;
  /** The current time, ISO 8601. */
  now(): string;
  /** The last event that caused the pass. Rows of departures that no event shows refer to this event. */
  readonly eventRef?: EventRef;
}

/**
 * The history rows of one device during one pass: rows that the journal knows, and rows that the pass adds. Matches each detected departure
 * with its known row, or adds a new row. Remembers which rows changed. No I/O.
 */
export class DeviceRows {
  #known: KnownRows;
  readonly #context: PassContext;
  /** By row key. Rows of this pass replace those of the journal. */
  readonly #rows = new Map<string, DriftRow>();
  readonly #changed = new Set<string>();
  #duplicates: readonly DriftRow[];

  constructor(known: KnownRows, context: PassContext) {
    this.#known = known;
    this.#context = context;
    for (const row of [...known.recent, ...known.open]) this.#rows.set(row.rowKey, row);
    // Two passes can detect one departure at the same time, one from the event and one from the twin. The pending row of the event is then
    // a duplicate.
    this.#duplicates = [...this.#rows.values()].filter(
      (row) => row.outcome === 'pending' && row.write.exact && this.#findFromTwin(row) !== undefined,
    );
    for (const { rowKey } of this.#duplicates) this.#rows.delete(rowKey);
  }

  /** The row of a departure that an event shows. Adds a `pending` row when there is none, and leaves a known row unchanged. */
  rowFromEvent(departure: Departure, eventRef: EventRef): DriftRow {
    return this.#find(departure) ?? this.#findFromTwin(departure) ?? this.#add(departure, eventRef, {});
  }

  /**
   * The row of a departure that a twin shows. Adds a row when there is none, and updates a known row. The metadata of a missing property
   * names only the last write around it. The departure then belongs to the property's open row, if there is one.
   */
  rowFromTwin(detected: Departure, twin: Twin | undefined): DriftRow {
    const departure = this.#withWriteTime(detected);
    const versions =
      twin === undefined || departure.mode === 'audit'
        ? {}
        : { twinVersion: twin.version, desiredVersion: twin.desired.version };
    const row = this.#find(departure) ?? this.#findOpen(departure);
    if (row === undefined) return this.#add(departure, this.#context.eventRef, versions);
    // The twin shows the whole value. An event may have shown only a part of an object.
    return this.#change(this.#reopen(row), {
      ...versions,
      actual: departure.actual,
      expected: departure.expected,
      mode: departure.mode,
    });
  }

  /** All rows, with any outcome. */
  rows(): readonly DriftRow[] {
    return [...this.#rows.values()];
  }

  /** The open rows of a module. */
  openRows(moduleId: string): readonly DriftRow[] {
    return [...this.#rows.values()].filter((row) => row.moduleId === moduleId && isOpen(row));
  }

  /** The open rows of the device and all its modules. */
  allOpenRows(): readonly DriftRow[] {
    return [...this.#rows.values()].filter(isOpen);
  }

  /** Sets a row's outcome. A row that already has this outcome and error stays unchanged. */
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

  /** Ends a row whose departure is over. An `audited` row keeps its outcome and gets `closedAt`. */
  close(row: DriftRow, outcome: 'healed' | 'gone' | 'enforced' | 'created'): DriftRow {
    if (this.current(row).outcome !== 'audited') return this.setOutcome(row, outcome);
    return this.#change(row, { closedAt: this.#context.now() });
  }

  /** Whether a departure that an event shows is not in the history yet, or its row is unfinished. */
  isNewOrUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#findFromTwin(departure);
    return row === undefined || isUnfinishedRow(row);
  }

  /** Whether the row of a departure is unfinished: an earlier pass was interrupted, or deferred the departure. */
  isUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#findFromTwin(departure);
    return row !== undefined && isUnfinishedRow(row);
  }

  /** The present state of a row. */
  current(row: DriftRow): DriftRow {
    return this.#rows.get(row.rowKey) ?? row;
  }

  /** The changes since the last call, as arguments for `Journal.write`. The next call assumes that they were written. */
  takeChanges(): {
    readonly rows: readonly DriftRow[];
    readonly duplicates: readonly DriftRow[];
    readonly known: KnownRows;
  } {
    const known = this.#known;
    const duplicates = this.#duplicates;
    this.#duplicates = [];
    const rows = [...this.#changed].flatMap((key) => this.#rows.get(key) ?? []);
    const all = [...this.#rows.values()];
    this.#changed.clear();
    this.#known = { open: all.filter(isOpen), recent: all, etags: known.etags };
    return { rows, duplicates, known };
  }

  /**
   * Replaces an unknown write time. A section that was never written has the time of year 1, so a deleted and recreated module would look
   * like the old one. The time of the event that caused the pass, or else the current time, tells them apart.
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

  /** Changes fields of a row, except its outcome. */
  #change(row: DriftRow, changes: Partial<DriftRow>): DriftRow {
    const current = this.current(row);
    const next = { ...current, ...changes };
    return JSON.stringify(next) === JSON.stringify(current) ? current : this.#put(next);
  }

  /** Removes `closedAt`. The same write can break the policy again, for example when the device returns to the policy's scope. */
  #reopen(row: DriftRow): DriftRow {
    const { closedAt, ...open } = this.current(row);
    return closedAt === undefined ? row : this.#put(open);
  }

  #find(departure: Departure): DriftRow | undefined {
    return this.#rows.get(driftKey(departure));
  }

  /** The open row of the same property, for a departure without a row of its own. */
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

  /** A row of the same property that was read from the twin before the departure's event arrived. Such a row names a later write. */
  #findFromTwin(departure: Departure): DriftRow | undefined {
    const key = openKey(departure);
    const { version, at } = departure.write;
    // A missing module has no twin, so its row has no comparable version.
    const isLater = ({ write }: DriftRow) =>
      (departure.kind === 'missingModule' || write.version >= version) && Date.parse(write.at) >= Date.parse(at);
    return [...this.#rows.values()].find((row) => !row.write.exact && openKey(row) === key && isLater(row));
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

/** Whether a row is unfinished: `pending` after an interrupted pass, or `deferred` with a queued retry. */
function isUnfinishedRow({ outcome }: DriftRow): boolean {
  return outcome === 'pending' || outcome === 'deferred';
}
