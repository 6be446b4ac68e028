/** History rows as CSV. Pure. */
import { stringify } from 'csv-stringify/sync';
import { toCsvCells } from '../../../functions/api/drift-csv.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { escapeHidden, safeJson } from './safe-text.ts';

/**
 * One CSV line with its line end, as the API exports the row. Characters that a terminal obeys or hides are escaped. A cell that a
 * spreadsheet would take for a formula begins with an apostrophe.
 */
export function csvLine(row: DriftRow): string {
  const cells = toCsvCells(row, safeJson).map((cell) => (typeof cell === 'string' ? escapeHidden(cell) : cell));
  return stringify([cells], { escape_formulas: true });
}
