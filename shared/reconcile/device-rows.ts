import {
  type Departure,
  type DriftRow,
  driftKey,
  isOpen,
  type KnownRows,
  openKey,
  type Source,
} from '../drift/index.ts';
import { getAt, isJsonObject, jsonEquals, mergePatch, parsePath, type Twin, writeAt } from '../twin/index.ts';
import type { EventRef } from './device-work.ts';

/** What every row of one pass over a device has in common. */
export interface PassContext {
  readonly hub: string;
  readonly source: Source;
  /** The time, ISO 8601. */
  now(): string;
  /** The last event that called for the pass; rows that no event shows by itself name it. */
  readonly eventRef?: EventRef;
}

/**
 * The rows of one device during one pass: those that the journal knew, those that this pass adds, and which of them have changed. Each
 * departure that is noticed is either one that is known already or a new one; deciding that is what this is for. No I/O.
 */
export class DeviceRows {
  #stored: KnownRows;
  readonly #circumstances: PassContext;
  /** By row key. Rows of this pass shadow those of the journal. */
  readonly #rows = new Map<string, DriftRow>();
  readonly #changed = new Set<string>();
  #doubles: readonly DriftRow[];

  constructor(known: KnownRows, circumstances: PassContext) {
    this.#stored = known;
    this.#circumstances = circumstances;
    for (const row of [...known.recent, ...known.open]) this.#rows.set(row.rowKey, row);
    // Who wrote this ahead did not know yet that somebody else was doing the same, from a look at the twin.
    this.#doubles = [...this.#rows.values()].filter(
      (row) => row.outcome === 'pending' && row.write.exact && this.#foundAtLaterWrite(row) !== undefined,
    );
    for (const { rowKey } of this.#doubles) this.#rows.delete(rowKey);
  }

  /** The row of a departure that an event shows, made `pending` when there is none. Says nothing of what came of it. */
  rowFromEvent(departure: Departure, eventRef: EventRef): DriftRow {
    return this.#find(departure) ?? this.#foundAtLaterWrite(departure) ?? this.#add(departure, eventRef, {});
  }

  /**
   * The row of a departure that a twin shows. What is missing names no write of its own, only the last one to its surroundings; it is
   * then taken for the departure of the same property that is open already, if there is one.
   */
  rowFromTwin(seen: Departure, twin: Twin | undefined): DriftRow {
    const departure = this.#dated(seen);
    const versions =
      twin === undefined || departure.mode === 'audit'
        ? {}
        : { twinVersion: twin.version, desiredVersion: twin.desired.version };
    const row = this.#find(departure) ?? this.#openOne(departure);
    if (row === undefined) return this.#add(departure, this.#circumstances.eventRef, versions);
    // The twin shows the whole value, where an event may have shown a part of it.
    return this.change(this.#reopened(row), {
      ...versions,
      actual: departure.actual,
      expected: departure.expected,
      mode: departure.mode,
    });
  }

  /** All rows, whatever their outcome. */
  rows(): readonly DriftRow[] {
    return [...this.#rows.values()];
  }

  /** Every open row about this module, those of this pass included. */
  openRows(moduleId: string): readonly DriftRow[] {
    return [...this.#rows.values()].filter((row) => row.moduleId === moduleId && isOpen(row));
  }

  /** Every open row about the device, whatever module. */
  allOpenRows(): readonly DriftRow[] {
    return [...this.#rows.values()].filter(isOpen);
  }

  /** Gives a row its outcome. An outcome that it has already leaves it as it is. */
  setOutcome(row: DriftRow, outcome: DriftRow['outcome'], error?: string): DriftRow {
    const current = this.current(row);
    if (current.outcome === outcome && current.error === error) return current;
    const { error: _, ...rest } = current;
    return this.#put({
      ...rest,
      outcome,
      outcomeAt: this.#circumstances.now(),
      ...(error === undefined ? {} : { error }),
    });
  }

  /** Ends a row whose departure is over without anything more to do about it. What was only recorded keeps that outcome. */
  close(row: DriftRow, outcome: 'healed' | 'gone' | 'enforced' | 'created'): DriftRow {
    if (this.current(row).outcome !== 'audited') return this.setOutcome(row, outcome);
    return this.change(row, { closedAt: this.#circumstances.now() });
  }

  /** Changes what a row says beside its outcome. */
  change(row: DriftRow, changes: Partial<DriftRow>): DriftRow {
    const current = this.current(row);
    const next = { ...current, ...changes };
    return JSON.stringify(next) === JSON.stringify(current) ? current : this.#put(next);
  }

  /** Whether a departure that an event shows still asks for something: it is not in the history yet, or was left half-way. */
  isNewOrUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#foundAtLaterWrite(departure);
    return row === undefined || isLeftHalfWay(row);
  }

  /** Whether an earlier pass began with this departure and did not get to its end, or did not get to write down that it had. */
  isUnfinished(departure: Departure): boolean {
    const row = this.#find(departure) ?? this.#foundAtLaterWrite(departure);
    return row !== undefined && isLeftHalfWay(row);
  }

  /** What a row says by now. */
  current(row: DriftRow): DriftRow {
    return this.#rows.get(row.rowKey) ?? row;
  }

  /** The rows to store and to remove since this was last asked, and what the journal knows until they are. */
  takeChanges(): {
    readonly rows: readonly DriftRow[];
    readonly duplicates: readonly DriftRow[];
    readonly known: KnownRows;
  } {
    const known = this.#stored;
    const doubles = this.#doubles;
    this.#doubles = [];
    const rows = [...this.#changed].flatMap((key) => this.#rows.get(key) ?? []);
    const all = [...this.#rows.values()];
    this.#changed.clear();
    this.#stored = { open: all.filter(isOpen), recent: all, etags: known.etags };
    return { rows, duplicates: doubles, known };
  }

  /**
   * A section that was never written names no time of its own (the hub says year 1), so that a module that was deleted and created
   * anew would look like the old one. What is known then is when the event came that made us look.
   */
  #dated(departure: Departure): Departure {
    const { eventRef } = this.#circumstances;
    const { write } = departure;
    if (Date.parse(write.at) > 0) return departure;
    return {
      ...departure,
      write: { ...write, at: eventRef?.operationTimestamp ?? this.#circumstances.now(), exact: false },
    };
  }

  /** What had ceased may come back by the same write: an agent that refuses it once more, a device that is in scope again. */
  #reopened(row: DriftRow): DriftRow {
    const { closedAt, ...open } = this.current(row);
    return closedAt === undefined ? row : this.#put(open);
  }

  #find(departure: Departure): DriftRow | undefined {
    return this.#rows.get(driftKey(departure));
  }

  /** The open row that a departure is taken for which has none of its own. */
  #openOne(departure: Departure): DriftRow | undefined {
    if (!departure.write.exact) return this.#openAtSamePlace(departure);
    const row = this.#foundAtLaterWrite(departure);
    return row !== undefined && isOpen(row) ? row : undefined;
  }

  #openAtSamePlace(departure: Departure): DriftRow | undefined {
    const place = openKey(departure);
    const rows = [...this.#rows.values()].filter((row) => isOpen(row) && openKey(row) === place);
    return rows.toSorted((a, b) => a.write.version - b.write.version).at(-1);
  }

  /** A row about the same thing that was read from the twin before its event came, and so names a later write. */
  #foundAtLaterWrite(departure: Departure): DriftRow | undefined {
    const place = openKey(departure);
    const { version, at } = departure.write;
    // Of a module that is not there, no twin says at what version it went.
    const isLater = ({ write }: DriftRow) =>
      (departure.kind === 'missingModule' || write.version >= version) && Date.parse(write.at) >= Date.parse(at);
    return [...this.#rows.values()].find((row) => !row.write.exact && openKey(row) === place && isLater(row));
  }

  #add(departure: Departure, eventRef: EventRef | undefined, versions: Partial<DriftRow>): DriftRow {
    const { hub, source } = this.#circumstances;
    const now = this.#circumstances.now();
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

function isLeftHalfWay({ outcome }: DriftRow): boolean {
  return outcome === 'pending' || outcome === 'deferred';
}

/**
 * How a departure that is over came to its end, judged by the twin as it is now. A write of ours that was carried out without our
 * hearing of it shows in the metadata: it is the one right after the version that we had read.
 */
export function endOutcome(row: DriftRow, twin: Twin): 'enforced' | 'created' | 'healed' | 'gone' {
  if (row.kind === 'missingModule') {
    const { properties, version } = twin.desired;
    const ours = isJsonObject(row.expected) && jsonEquals(mergePatch(properties, row.expected), properties);
    // Whoever had made it before it was missed was not us. Clocks differ a little.
    const writtenAt = Date.parse(writeAt(twin.desired, [])?.at ?? '');
    const isSince = writtenAt >= Date.parse(row.detectedAt) - clockDifference;
    return row.mode === 'enforce' && ours && isSince && version <= 2 ? 'created' : 'healed';
  }
  // Versions start again when a module is deleted and created anew.
  if (twin.desired.version < row.write.version) return 'gone';
  const path = parsePath(row.path);
  const mended = jsonEquals(getAt(twin.desired.properties, path), row.expected);
  const written = writeAt(twin.desired, path)?.version;
  return mended && row.desiredVersion !== undefined && written === row.desiredVersion + 1 ? 'enforced' : 'healed';
}

/** By how much the hub's clock may be behind ours, in milliseconds. */
const clockDifference = 5_000;
