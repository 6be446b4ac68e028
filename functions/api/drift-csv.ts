import type { DriftRow } from '../../shared/drift/index.ts';

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
] as const;

/** The names of the columns, a line (RFC 4180). */
export const csvHead = `${columns.join(',')}\n`;

/** Rows as CSV. Property values are JSON; a cell that a spreadsheet would take for a formula begins with an apostrophe. */
export async function toCsv(rows: readonly DriftRow[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const lines = rows.map(({ expected, actual, write, ...plain }): readonly string[] => {
    const cells: Readonly<Record<string, unknown>> = {
      ...plain,
      expected: expected === undefined ? undefined : JSON.stringify(expected),
      actual: actual === undefined ? undefined : JSON.stringify(actual),
      writtenAt: write.at,
    };
    return columns.map((name) => String(cells[name] ?? ''));
  });
  return stringify(lines, { escape_formulas: true });
}
