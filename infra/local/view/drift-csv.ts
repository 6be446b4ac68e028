/** History rows as CSV (RFC 4180). Pure. */
import { stringify } from 'csv-stringify/sync';
import { csvHead } from '../../../functions/api/drift-csv.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { escapeHidden, safeJson } from './safe-text.ts';

/** The same as those of the API's export. */
const columns = csvHead.trim().split(',');

/**
 * One row, with its line end. Property values are JSON; what a terminal obeys or hides is written as an escape, and a cell that a
 * spreadsheet would take for a formula begins with an apostrophe.
 */
export function csvLine(row: DriftRow): string {
  const { expected, actual, write, ...plain } = row;
  const cells: Readonly<Record<string, unknown>> = {
    ...plain,
    expected: expected === undefined ? undefined : safeJson(expected),
    actual: actual === undefined ? undefined : safeJson(actual),
    writtenAt: write.at,
  };
  return stringify([columns.map((name) => escapeHidden(String(cells[name] ?? '')))], { escape_formulas: true });
}
