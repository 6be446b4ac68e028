import { type DriftRow, isOver, type Outcome } from '../../shared/drift/index.ts';
import type { Json } from '../../shared/twin/index.ts';
import { type CsvColumn, type ListSeparator, spreadsheetHead, spreadsheetLine } from './spreadsheet.ts';

const columns = [
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
  'source',
  'mode',
  'writtenAt',
  'writtenBy',
  'operationTimestamp',
  'correlationId',
  'twinVersion',
  'error',
  'message',
  'rowKey',
  'times',
  'lastActual',
  'lastWrittenAt',
  'firstHeldBackAt',
  'firstDeferredAt',
  'firstFailedAt',
  'endedAt',
  'policyVersion',
  'appVersion',
  'transitions',
] as const;

type Column = (typeof columns)[number];

/** The columns that are not text. */
const types: Readonly<Partial<Record<Column, CsvColumn['type']>>> = {
  detectedAt: 'time',
  kind: 'word',
  expected: 'json',
  actual: 'json',
  outcome: 'word',
  outcomeAt: 'time',
  closedAt: 'time',
  source: 'word',
  mode: 'word',
  writtenAt: 'time',
  operationTimestamp: 'time',
  twinVersion: 'number',
  times: 'number',
  lastActual: 'json',
  lastWrittenAt: 'time',
  firstHeldBackAt: 'time',
  firstDeferredAt: 'time',
  firstFailedAt: 'time',
  endedAt: 'time',
  transitions: 'json',
};

/** The columns of the CSV, with their types. */
const driftColumns: readonly CsvColumn[] = columns.map((name) => ({ name, type: types[name] ?? 'text' }));

/** The first line of the CSV for spreadsheets: see `spreadsheet.ts`. */
export function driftSpreadsheetHead(separator: ListSeparator): string {
  return spreadsheetHead(driftColumns, separator);
}

/** History rows as lines of CSV for spreadsheets, without the first line. */
export function driftSpreadsheetLines(rows: readonly DriftRow[], separator: ListSeparator): string {
  return rows.map((row) => spreadsheetLine(driftColumns, toCsvCells(row, JSON.stringify), separator)).join('');
}

/** The first line of the CSV. It holds the names of the columns. */
export const csvHeader = `${columns.join(',')}\n`;

/**
 * Turns a history row into the cells of one CSV line. `toJson` writes a property value as JSON. A number stays a number, because the CSV
 * library would escape the text of a negative number as a formula.
 */
export function toCsvCells(row: DriftRow, toJson: (value: Json) => string): readonly (string | number)[] {
  const { expected, actual, write, lastWrite, lastActual, transitions = [], ...plain } = row;
  const firstAt = (outcome: Outcome) => transitions.find((each) => each.outcome === outcome)?.at;
  const toCell = (value: Json | undefined) =>
    typeof value === 'object' || typeof value === 'string' || typeof value === 'boolean' ? toJson(value) : value;
  const cells: Readonly<Record<string, unknown>> = {
    ...plain,
    expected: toCell(expected),
    actual: toCell(actual),
    writtenAt: write.at,
    writtenBy: write.by,
    lastActual: toCell(lastActual),
    lastWrittenAt: lastWrite?.at,
    firstHeldBackAt: firstAt('heldBack'),
    firstDeferredAt: firstAt('deferred'),
    firstFailedAt: firstAt('failed'),
    endedAt: row.closedAt ?? (isOver(row.outcome) ? row.outcomeAt : undefined),
    transitions: JSON.stringify(transitions),
  };
  return columns.map((name) => (typeof cells[name] === 'number' ? cells[name] : String(cells[name] ?? '')));
}

/**
 * Writes history rows as CSV lines, without the header line. A spreadsheet would run some texts as formulas. A cell with such a text starts
 * with an apostrophe.
 */
export async function toCsv(rows: readonly DriftRow[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  return stringify(
    rows.map((row) => toCsvCells(row, JSON.stringify)),
    { escape_formulas: true },
  );
}
