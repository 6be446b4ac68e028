import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type CountedFile, createCountedFile } from './csv-file.ts';
import { type CsvTable, csvTables } from './csv-tables.ts';
import type { Gathered, ReportSink, TableName } from './gather.ts';
import { reportDocument } from './html/document.ts';
import type { Report, ReportFile } from './report.ts';

/** The files of a report, by their content. */
export interface ReportPaths extends Readonly<Record<TableName, string>> {
  readonly html: string;
}

const contents: Readonly<Record<TableName, string>> = {
  departures: 'departures',
  open: 'open',
  actions: 'actions',
  compliance: 'compliance by hour',
};
const tableNames = Object.keys(contents) as readonly TableName[];

/** The paths of a report. The CSV files are beside the HTML file, and their names begin as its name does. */
export function reportPaths(html: string): ReportPaths {
  const base = html.replace(/\.html?$/i, '');
  return {
    html,
    departures: `${base}-departures.csv`,
    open: `${base}-open.csv`,
    actions: `${base}-actions.csv`,
    compliance: `${base}-compliance.csv`,
  };
}

/** @throws An Error that names the files that exist already, and says what to do. */
export function refuseExisting(paths: ReportPaths): void {
  const existing = Object.values(paths).filter((path) => existsSync(path));
  if (existing.length > 0) {
    throw new Error(`${existing.join(', ')} exists already: give --force to overwrite, or another --output.`);
  }
}

/**
 * Writes a report and its files. While they are written, their names end with `.partial`: all of them appear at the end, or none. Makes the folder when
 * it does not exist.
 *
 * @param read Reads the report, and writes the rows of the files.
 */
export async function writeReport(
  paths: ReportPaths,
  excel: Parameters<typeof csvTables>[0],
  progress: ReportSink['progress'],
  read: (sink: ReportSink) => Promise<Gathered>,
  complete: (gathered: Gathered, files: readonly ReportFile[]) => Report,
): Promise<Report> {
  const tables = csvTables(excel);
  const partial = (name: keyof ReportPaths) => `${paths[name]}.partial`;
  const open = new Map<TableName, CountedFile>();
  await mkdir(dirname(paths.html), { recursive: true });
  try {
    for (const name of tableNames) {
      const file = await createCountedFile(partial(name));
      open.set(name, file);
      await file.write(tables[name].head);
    }
    const gathered = await read({
      progress,
      async write(name, rows) {
        if (rows.length > 0) await open.get(name)?.write((tables[name] as CsvTable<unknown>).lines(rows), rows.length);
      },
    });
    const files: ReportFile[] = [];
    for (const [name, file] of open) {
      files.push({ name: basename(paths[name]), content: contents[name], ...(await file.end()) });
    }
    const report = complete(gathered, files);
    const document = await createCountedFile(partial('html'));
    open.set('html' as TableName, document);
    await document.write(reportDocument(report));
    await document.end();
    for (const name of [...tableNames, 'html'] as const) await rename(partial(name), paths[name]);
    return report;
  } catch (error) {
    for (const file of open.values()) await file.destroy();
    for (const name of [...tableNames, 'html'] as const) await rm(partial(name), { force: true });
    throw error;
  }
}
