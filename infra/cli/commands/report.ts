import { dirname } from 'node:path';
import { Command } from 'commander';
import type { ListSeparator } from '../../../functions/api/spreadsheet.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { describeActor } from '../../../shared/actions/index.ts';
import { commandLineActor } from '../record-action.ts';
import type { Report } from '../report/report.ts';
import { excelOption, warnOfLines } from './excel-option.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import { parseCount } from './query-option.ts';
import { parseTime } from './time-option.ts';

interface ReportOptions extends HistoryOptions {
  readonly policy?: string;
  readonly from?: string;
  readonly to?: string;
  readonly output?: string;
  readonly rows: number;
  readonly excel?: ListSeparator;
  readonly force?: true;
  readonly json?: true;
}

const day = 86_400_000;
const defaultDays = 30;
/** Longest range in days, which is that of the HTTP API. */
const longestDays = 400;

/** `twinkeeper report`: writes an evidence report for an auditor. */
export function reportCommand(): Command {
  const command = new Command('report')
    .summary('Writes an evidence report for an auditor: one HTML file, and CSV files beside it.')
    .description(
      'Writes a report about a policy, or about all policies, in a range of time: the scope, the versions in force, compliance over time, departures ' +
        'with their course, what was open at the end, actions and seals. The HTML file needs no network and no script, and prints on A4. It lists ' +
        'some departures, and the CSV files beside it have all.',
    );
  return withHistoryOptions(command)
    .option('--policy <name>', 'Reports on this policy. Without this option: on all policies.')
    .option(
      '--from <time>',
      `Begins the range, such as 2026-11-01 or -7d. Without this option: ${defaultDays} days before its end.`,
      (text) => parseTime(text),
    )
    .option('--to <time>', 'Ends the range, excluded. Without this option: now.', (text) => parseTime(text))
    .option('--output <file>', 'Writes the HTML file here. Without this option: a name with the range, in this folder.')
    .option(
      '--rows <n>',
      'Limits the departures, exceptions and actions that the HTML file lists, each.',
      parseCount,
      200,
    )
    .addOption(excelOption('Writes'))
    .option('--force', 'Overwrites files that exist.')
    .option('--json', 'Prints one JSON document with the numbers and the files.')
    .addHelpText(
      'after',
      `
Times are UTC. The range has at most ${longestDays} days.
The exit code is 0 when the report was written, whatever it says, and 1 when it was not.

${historyHelp}

Examples:
  $ twinkeeper report --from 2026-11-01 --to 2026-12-01
  $ twinkeeper report --policy defender-micro-agent --from -90d --output evidence/agent.html
  $ twinkeeper report --from -7d --excel --force --json | jq -r '.files[] | .path + " " + .sha256'`,
    )
    .action(report);
}

async function report(options: ReportOptions): Promise<void> {
  const range = rangeOf(options, new Date());
  const { policy, excel, force } = options;
  const [{ gather }, { refuseExisting, reportPaths, writeReport }, { showProgress }] = await Promise.all([
    import('../report/gather.ts'),
    import('../report/write-report.ts'),
    import('../view/progress.ts'),
  ]);
  const paths = reportPaths(options.output ?? defaultName(range, policy));
  if (!force) refuseExisting(paths);
  const history = await historyOf(options);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  const progress = showProgress();
  const show = (text: string) => {
    if (ending.signal.aborted) throw new Error('The report was interrupted, and nothing is written.');
    progress.show(text);
  };
  const question = { ...range, ...(policy === undefined ? {} : { policy }), mostListed: options.rows };
  const made = await writeReport(
    paths,
    excel,
    show,
    (sink) => gather(history, question, sink),
    (gathered, files) => ({
      ...gathered,
      ...range,
      madeAt: new Date().toISOString(),
      version: packageJson.version,
      madeBy: describeActor(commandLineActor()),
      source: sourceOf(options),
      isOfOnePolicy: policy !== undefined,
      files,
    }),
  ).finally(() => progress.end());
  if (excel !== undefined) for (const { rows } of made.files) warnOfLines(rows);
  if (options.json) {
    const { safeJson } = await import('../view/safe-text.ts');
    process.stdout.write(`${safeJson(summaryOf(made, paths.html))}\n`);
  } else {
    process.stdout.write(describe(made, paths.html));
  }
}

/** @throws An Error that says what to do, when the range ends before it begins, is too long, or begins in the future. */
function rangeOf({ from, to }: ReportOptions, now: Date): { readonly from: string; readonly to: string } {
  // Nothing is known of the future, so the range cannot include it.
  const end = to === undefined || to > now.toISOString() ? now.toISOString() : to;
  const start = from ?? new Date(Date.parse(end) - defaultDays * day).toISOString();
  if (start >= end) throw new Error(`--from ${start} is not before the end of the range, ${end}.`);
  if (Date.parse(end) - Date.parse(start) > longestDays * day) {
    throw new Error(
      `The range from ${start} to ${end} is too long: make several reports of at most ${longestDays} days.`,
    );
  }
  return { from: start, to: end };
}

function defaultName({ from, to }: { readonly from: string; readonly to: string }, policy: string | undefined): string {
  return `twinkeeper-report-${policy === undefined ? '' : `${policy}-`}${from.slice(0, 10)}-${to.slice(0, 10)}.html`;
}

/** From where the history was read, without secrets. */
function sourceOf({ url, storage, endpoints }: ReportOptions): string {
  const address = url ?? (storage === undefined && endpoints === undefined ? process.env.FUNCTION_APP_URL : undefined);
  return address === undefined || address === ''
    ? 'the storage account of the app'
    : `the app at ${new URL(address).origin}`;
}

function summaryOf(made: Report, html: string) {
  const { from, to, madeAt, policies, departures, open, actions, seals, files } = made;
  return {
    ...{ from, to, madeAt, html },
    policies: policies.map(({ name }) => name),
    departures: departures.total,
    openAtEnd: open.total,
    actions: actions.total,
    // `null`: the seals were not read.
    sealedDays: seals?.length ?? null,
    files: files.map(({ name, content, rows, sha256 }) => ({ path: besides(html, name), content, rows, sha256 })),
  };
}

function besides(html: string, name: string): string {
  const folder = dirname(html);
  return folder === '.' ? name : `${folder}/${name}`;
}

function describe({ departures, open, actions, files }: Report, html: string): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const counted = (value: number, noun: string) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
  return [
    `${html} is written: ${counted(departures.total, 'departure')}, ${number(open.total)} open at the end, ${counted(actions.total, 'action')}.`,
    ...files.map(({ name, rows }) => `${besides(html, name)} has ${counted(rows, 'row')}.`),
    '',
  ].join('\n');
}
