import { Command, Option } from 'commander';
import type { ListSeparator } from '../../../functions/api/spreadsheet.ts';
import type { DriftQuery, DriftRow, DuringQuery } from '../../../shared/drift/index.ts';
import { hasColour } from '../view/colour.ts';
import { safeJson } from '../view/safe-text.ts';
import { excelOption, warnOfLines } from './excel-option.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import { pagesOf } from './history-source.ts';
import { print } from './print.ts';
import { duringQueryOf, parseCount, type QueryOptions, queryOf, withQueryOptions } from './query-option.ts';

interface DriftOptions extends HistoryOptions, QueryOptions {
  readonly limit?: number;
  readonly json?: true;
  readonly csv?: true;
  readonly excel?: ListSeparator;
  readonly follow?: true;
}

/** Default of `--limit` when the rows are shown as a table. */
const defaultLimit = 50;
/** Default of `--limit` with `--follow`: the number of existing rows that are shown first. */
const defaultFollowed = 10;

/** `twinkeeper drift`: queries the history, and shows its rows. */
export function driftCommand(): Command {
  const command = new Command('drift')
    .summary('Queries the history of drift and its outcomes.')
    .description(
      'Shows rows of the history, newest first. Without --from and --to, shows the last 24 hours, or all rows of one --device.',
    );
  return withHistoryOptions(withQueryOptions(command))
    .option(
      '--limit <n>',
      `Limits the number of rows. Without this option: ${defaultLimit} in a table, all with --json and --csv.`,
      parseCount,
    )
    .option('--json', 'Prints one JSON object for each line (NDJSON).')
    .addOption(new Option('--csv', 'Prints CSV with a line of column names.').conflicts('json'))
    .addOption(excelOption('With --csv: writes'))
    .addOption(
      new Option(
        '--follow',
        'Keeps running, and shows new rows and new outcomes when they arrive. Ctrl-C ends the command.',
      ).conflicts('to'),
    )
    .addHelpText(
      'after',
      `
Times are UTC, and a time without a zone is taken as UTC. Write "=" before a value that begins with a dash: --device=-V1.
The exit code is 0 when the history was read, even if no row matches, and 1 when it cannot be read.

${historyHelp}

Examples:
  $ twinkeeper drift                                       the last 24 hours
  $ twinkeeper drift --device press-01 --from -7d
  $ twinkeeper drift --policy defender-micro-agent --outcome heldBack
  $ twinkeeper drift --during 2026-11-18T08:00..2026-11-18T10:00   what was out of line then, whenever it began
  $ twinkeeper drift --from 2026-11-01 --to 2026-12-01 --csv > november.csv
  $ twinkeeper drift --from -30d --csv --excel > drift.csv  for Excel and LibreOffice
  $ twinkeeper drift --json | jq -r 'select(.kind == "wrongValue") | .deviceId'
  $ twinkeeper drift --follow --endpoints endpoints.json`,
    )
    .action(drift);
}

async function drift(options: DriftOptions): Promise<void> {
  if (options.excel !== undefined && !options.csv) throw new Error('--excel is a form of CSV: give --csv too.');
  const query = options.during === undefined ? queryOf(options) : duringQueryOf(options, options.during);
  const history = await historyOf(options);
  const write = await writerOf(options);
  if (options.follow && !('openFrom' in query)) {
    const { follow } = await import('./follow.ts');
    // With `--from`, all existing rows since that time are shown first.
    const limit = options.limit ?? (options.from === undefined ? defaultFollowed : Number.POSITIVE_INFINITY);
    const ending = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
    await follow(history, query, limit, write, ending.signal);
    return;
  }
  const isTable = !options.json && !options.csv;
  const limit = options.limit ?? (isTable ? defaultLimit : Number.POSITIVE_INFINITY);
  let count = 0;
  let isMore = false;
  for await (const { rows, more } of pagesOf(history, query, limit)) {
    count += rows.length;
    isMore = more;
    if (!(await write(rows))) return;
  }
  if (count === 0) await write([]);
  if (options.excel !== undefined) warnOfLines(count);
  if (isTable && count === 0) process.stdout.write(`${describeNoRows(options, query)}\n`);
  else if (isTable && isMore) {
    process.stderr.write(
      `These are the newest ${count} rows, and there are more: --limit shows more, ${'openFrom' in query ? '--during chooses' : '--from and --to choose'} the time.\n`,
    );
  }
}

/**
 * Returns a function that writes rows to standard output as JSON, CSV or a table. That function resolves with false when the program that
 * reads standard output has ended.
 */
async function writerOf({ json, csv, excel }: DriftOptions): Promise<(rows: readonly DriftRow[]) => Promise<boolean>> {
  if (json) return (rows) => print(rows.map((row) => `${safeJson(row)}\n`).join(''));
  let head: string | undefined;
  if (csv) {
    const [{ csvHeader, driftSpreadsheetHead, driftSpreadsheetLines }, { csvLine }] = await Promise.all([
      import('../../../functions/api/drift-csv.ts'),
      import('../view/drift-csv.ts'),
    ]);
    head = excel === undefined ? csvHeader : driftSpreadsheetHead(excel);
    return (rows) => {
      const lines = excel === undefined ? rows.map(csvLine).join('') : driftSpreadsheetLines(rows, excel);
      const text = `${head ?? ''}${lines}`;
      head = undefined;
      return print(text);
    };
  }
  const [{ driftTable }, { terminalSize }] = await Promise.all([
    import('../view/drift-table.ts'),
    import('../view/terminal-size.ts'),
  ]);
  const { stdout } = process;
  let table: ReturnType<typeof driftTable> | undefined;
  return (rows) => {
    if (rows.length === 0) return Promise.resolve(true);
    const isFirst = table === undefined;
    const destination = {
      colour: hasColour(stdout),
      ...(stdout.isTTY ? { columns: terminalSize(stdout).columns } : {}),
    };
    // The table is made again for each write: the user can change the width of the terminal between two writes.
    if (stdout.isTTY || table === undefined) table = driftTable(destination, rows);
    const { head, row } = table;
    return print(`${isFirst ? `${head}\n` : ''}${rows.map((each) => `${row(each)}\n`).join('')}`);
  };
}

function describeNoRows(options: QueryOptions, query: DriftQuery | DuringQuery): string {
  const others = Object.keys(options).some((name) =>
    ['module', 'policy', 'path', 'kind', 'outcome', 'outcomeNow', 'source'].includes(name),
  );
  if ('openFrom' in query) {
    const range = `from ${query.openFrom} to ${query.openTo}`;
    return others || options.device !== undefined
      ? `No row that matches was out of line ${range}. Try fewer filters.`
      : `Nothing is known to have been out of line ${range}.`;
  }
  const { from, to } = query;
  const when = from === undefined ? '' : ` from ${from} to ${to}`;
  const hint =
    options.from === undefined && options.device === undefined
      ? ' --from -30d looks further back.'
      : others
        ? ' Try fewer filters.'
        : '';
  return `No row of the history matches${when}.${hint}`;
}
