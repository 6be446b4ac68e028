import { stringify } from 'csv-stringify/sync';
import { csvHeader, driftSpreadsheetHead, driftSpreadsheetLines } from '../../../functions/api/drift-csv.ts';
import { escapeHidden } from '../../../functions/api/escape-hidden.ts';
import {
  type CsvCell,
  type CsvColumn,
  type ListSeparator,
  spreadsheetHead,
  spreadsheetLine,
} from '../../../functions/api/spreadsheet.ts';
import { type ActionRecord, describeActor } from '../../../shared/actions/index.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { csvLine } from '../view/drift-csv.ts';
import type { HourCompliance } from './compliance-spans.ts';
import type { OpenDeparture } from './report.ts';

/** A kind of CSV: its first line, and the lines of its rows. */
export interface CsvTable<T> {
  readonly head: string;
  lines(rows: readonly T[]): string;
}

/** The CSV of a report. With `excel`, it is in the form that spreadsheet programs open right: see `functions/api/spreadsheet.ts`. */
export function csvTables(excel: ListSeparator | undefined) {
  const departures: CsvTable<DriftRow> = {
    head: excel === undefined ? csvHeader : driftSpreadsheetHead(excel),
    lines: (rows) => (excel === undefined ? rows.map(csvLine).join('') : driftSpreadsheetLines(rows, excel)),
  };
  return {
    departures,
    open: tableOf<OpenDeparture>(excel, [
      ['outcomeAtEnd', 'word', ({ outcome }) => outcome],
      ['outcomeAtEndSince', 'time', ({ since }) => since],
      ['reasonAtEnd', 'text', ({ reason }) => reason],
      ['detectedAt', 'time', ({ row }) => row.detectedAt],
      ['deviceId', 'text', ({ row }) => row.deviceId],
      ['moduleId', 'text', ({ row }) => row.moduleId],
      ['policy', 'text', ({ row }) => row.policy],
      ['path', 'text', ({ row }) => row.path],
      ['kind', 'word', ({ row }) => row.kind],
      ['expected', 'json', ({ row }) => JSON.stringify(row.expected)],
      ['actual', 'json', ({ row }) => JSON.stringify(row.actual)],
      ['rowKey', 'text', ({ row }) => row.rowKey],
    ]),
    actions: tableOf<ActionRecord>(excel, [
      ['at', 'time', ({ at }) => at],
      ['endedAt', 'time', ({ endedAt }) => endedAt],
      ['action', 'word', ({ action }) => action],
      ['result', 'word', ({ result }) => result],
      ['byType', 'word', ({ by }) => by.type],
      ['by', 'text', ({ by }) => describeActor(by)],
      ['policy', 'text', ({ target }) => target.policy],
      ['deviceId', 'text', ({ target }) => target.deviceId],
      ['deadLetterId', 'text', ({ target }) => target.deadLetterId],
      ['reason', 'text', ({ reason }) => reason],
      ['detail', 'text', ({ detail }) => detail],
      ['appVersion', 'text', ({ appVersion }) => appVersion],
      ['id', 'text', ({ id }) => id],
    ]),
    compliance: tableOf<HourCompliance>(excel, [
      ['hour', 'time', ({ at }) => new Date(at).toISOString()],
      ['policy', 'text', ({ policy }) => policy],
      ['devices', 'number', ({ devices }) => devices],
      ['compliant', 'number', ({ compliant }) => compliant],
      ['mean', 'number', ({ mean }) => mean],
      ['min', 'number', ({ min }) => min],
    ]),
  };
}

type ColumnOf<T> = readonly [name: string, type: CsvColumn['type'], cell: (row: T) => CsvCell | undefined];

function tableOf<T>(excel: ListSeparator | undefined, columns: readonly ColumnOf<T>[]): CsvTable<T> {
  const typed = columns.map(([name, type]) => ({ name, type }));
  const cellsOf = (row: T) => columns.map(([, , cell]) => cell(row) ?? '');
  if (excel !== undefined) {
    return {
      head: spreadsheetHead(typed, excel),
      lines: (rows) => rows.map((row) => spreadsheetLine(typed, cellsOf(row), excel)).join(''),
    };
  }
  return {
    head: `${columns.map(([name]) => name).join()}\n`,
    lines: (rows) =>
      stringify(
        rows.map((row) => cellsOf(row).map((cell) => (typeof cell === 'string' ? escapeHidden(cell) : cell))),
        { escape_formulas: true },
      ),
  };
}
