/** History rows as CSV (RFC 4180). Pure. */
import { stringify } from 'csv-stringify/sync';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { escapeHidden, safeJson } from './safe-text.ts';

const columns = [
  ...[
    'detectedAt',
    'hub',
    'deviceId',
    'moduleId',
    'policy',
    'path',
    'kind',
    'expected',
    'actual',
    'outcome',
    'outcomeAt',
    'closedAt',
  ],
  ...['source', 'mode', 'writtenAt', 'operationTimestamp', 'correlationId', 'twinVersion', 'error', 'message'],
] as const;

/** The names of the columns. */
export const csvHead: string = stringify([[...columns]]);

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
