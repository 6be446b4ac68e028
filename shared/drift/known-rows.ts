import { type DriftRow, isOpen } from './departure.ts';

/** A device's rows as the journal read them. */
export interface KnownRows {
  /** Rows of departures that are still open, of any age. */
  readonly open: readonly DriftRow[];
  /** Rows whose write is not older than the time that was asked for, newest first. Open rows are among them. */
  readonly recent: readonly DriftRow[];
  /** ETags of the device's entities, by RowKey. The journal updates them as it writes. Callers pass the map back unchanged. */
  readonly etags: Map<string, string>;
}

/** The known rows of a device that has no history. */
export function noKnownRows(): KnownRows {
  return { open: [], recent: [], etags: new Map() };
}

/** The known rows after `rows` were written. */
export function withWritten({ open, recent, etags }: KnownRows, rows: readonly DriftRow[]): KnownRows {
  const written = new Set(rows.map(({ rowKey }) => rowKey));
  const isUnchanged = ({ rowKey }: DriftRow) => !written.has(rowKey);
  return {
    open: [...open.filter(isUnchanged), ...rows.filter(isOpen)],
    recent: [...recent.filter(isUnchanged), ...rows],
    etags,
  };
}
