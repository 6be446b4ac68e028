import { type DriftRow, isOpen } from './departure.ts';

/** The rows of one device that the journal has read. */
export interface KnownRows {
  /** The open rows of the device, of any age. */
  readonly open: readonly DriftRow[];
  /**
   * The rows whose write is not older than the argument `since` of `Journal.read`, newest first, and rows with the given keys. Some of these
   * rows may be open. Of a very long history, only the newest rows are here, and the older ones that guards and interrupted passes need.
   */
  readonly recent: readonly DriftRow[];
  /**
   * Row keys of the rows in `recent` that were read without the values of their properties: without `expected`, `actual`, `lastActual` and
   * `message`. The journal completes such a row when it writes the row.
   */
  readonly incomplete?: ReadonlySet<string>;
  /**
   * The ETags of the device's entities in the journal, by RowKey. The journal updates this map when it writes. Callers must pass the same
   * map back to the journal.
   */
  readonly etags: Map<string, string>;
}

/** The known rows of a device without history. */
export function noKnownRows(): KnownRows {
  return { open: [], recent: [], incomplete: new Set(), etags: new Map() };
}

/** Returns the known rows of a device after `rows` were written. */
export function withWritten({ open, recent, incomplete, etags }: KnownRows, rows: readonly DriftRow[]): KnownRows {
  const written = new Set(rows.map(({ rowKey }) => rowKey));
  const isUnchanged = ({ rowKey }: DriftRow) => !written.has(rowKey);
  return {
    open: [...open.filter(isUnchanged), ...rows.filter(isOpen)],
    recent: [...recent.filter(isUnchanged), ...rows],
    incomplete: new Set([...(incomplete ?? [])].filter((rowKey) => !written.has(rowKey))),
    etags,
  };
}
