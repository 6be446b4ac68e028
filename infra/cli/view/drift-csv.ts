/** Rows of the history as CSV. Pure functions. */
import { stringify } from 'csv-stringify/sync';
import { toCsvCells } from '../../../functions/api/drift-csv.ts';
import { escapeHidden } from '../../../functions/api/escape-hidden.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { safeJson } from './safe-text.ts';

/**
 * One line of CSV for a row of the history, with a line end. The columns are those of the HTTP API's CSV. Control characters and invisible
 * characters are escaped. A cell that a spreadsheet program would read as a formula begins with an apostrophe.
 */
export function csvLine(row: DriftRow): string {
  const cells = toCsvCells(row, safeJson).map((cell) => (typeof cell === 'string' ? escapeHidden(cell) : cell));
  return stringify([cells], { escape_formulas: true });
}
