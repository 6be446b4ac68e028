import type { DriftRow } from '../../shared/drift/index.ts';
import type { Json } from '../../shared/twin/index.ts';

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
  'operationTimestamp',
  'correlationId',
  'twinVersion',
  'error',
  'message',
  'rowKey',
] as const;

/** The names of the columns, a line. */
export const csvHead = `${columns.join(',')}\n`;

/** The cells of a row. Property values are JSON, written by `toJson`, but for numbers, which are the same in CSV and are no formulas. */
export function toCells(row: DriftRow, toJson: (value: Json) => string): readonly (string | number)[] {
  const { expected, actual, write, ...plain } = row;
  const toCell = (value: Json | undefined) =>
    typeof value === 'object' || typeof value === 'string' || typeof value === 'boolean' ? toJson(value) : value;
  const cells: Readonly<Record<string, unknown>> = {
    ...plain,
    expected: toCell(expected),
    actual: toCell(actual),
    writtenAt: write.at,
  };
  return columns.map((name) => (typeof cells[name] === 'number' ? cells[name] : String(cells[name] ?? '')));
}

/** Rows as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export async function toCsv(rows: readonly DriftRow[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  return stringify(
    rows.map((row) => toCells(row, JSON.stringify)),
    { escape_formulas: true },
  );
}
