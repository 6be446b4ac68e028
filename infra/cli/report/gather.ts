import type { SummaryAnswer } from '../../../functions/api/answers.ts';
import type { ActionRecord } from '../../../shared/actions/index.ts';
import { stateAt } from '../../../shared/drift/index.ts';
import type { HistorySource } from '../commands/history-source.ts';
import { complianceSpans, type HourCompliance } from './compliance-spans.ts';
import type { CsvTable, csvTables } from './csv-tables.ts';
import { count, DepartureTally, largestFirst } from './departure-tally.ts';
import type { OpenAtEnd, OpenDeparture, PolicyReport, Report, Seal } from './report.ts';

/** What to report. */
export interface ReportQuestion {
  readonly from: string;
  readonly to: string;
  /** Only this policy. Absent: all policies. */
  readonly policy?: string;
  /** Maximum number of departures, of exceptions and of actions in the report itself. */
  readonly mostListed: number;
}

/** Where the rows of a report go that it does not list itself. */
export interface ReportSink {
  /** Writes rows to one of the files. Resolves when the next ones may be written. */
  write<K extends TableName>(table: K, rows: readonly RowOf<K>[]): Promise<void>;
  /** Says how far the reading is. Throws to end it. */
  progress(text: string): void;
}

type Tables = ReturnType<typeof csvTables>;
export type TableName = keyof Tables;
type RowOf<K extends TableName> = Tables[K] extends CsvTable<infer T> ? T : never;

/** What is read for a report. The caller adds who made it, and its files. */
export type Gathered = Pick<
  Report,
  'hubs' | 'policies' | 'fleet' | 'departures' | 'completeSince' | 'open' | 'actions' | 'seals'
>;

/** Length of the time that one request for counts covers, in milliseconds. Longer ones would take a slot of the API. */
const countedAtOnce = 31 * 86_400_000;
const largestPage = 1000;

/**
 * Reads what a report tells. Rows are read page by page, written to the sink and counted. Only the listed ones are kept, and the counts of hours.
 *
 * @param seals The sealed days of the range. `undefined` when they are not known.
 * @throws An Error that says what to do, when nothing is known of the policy that the question names.
 */
export async function gather(
  history: HistorySource,
  question: ReportQuestion,
  sink: ReportSink,
  seals: readonly Seal[] | undefined,
): Promise<Gathered> {
  const { policy } = question;
  const { hours, fleet, counted } = await readCompliance(history, question, sink);
  const tally = await readDepartures(history, question, sink);
  const open = await readOpen(history, question, sink);
  const actions = await readActions(history, question, sink);
  const { completeSince } = await history.standingAt(new Date(Date.parse(question.to) - 1).toISOString());
  const departures = tally.tally();
  const changed = actions.listed.flatMap(({ target }) => target.policy ?? []);
  const inRange = new Set([...counted, ...Object.keys(departures.byPolicy), ...changed]);
  const known = [...new Set([...(await history.policyNames()), ...inRange])].filter((name) => name !== '').toSorted();
  const names = policy === undefined ? known : [policy];
  const all = await Promise.all(names.map((name) => policyReport(history, name, question, hours.get(name) ?? [])));
  if (policy !== undefined && !known.includes(policy) && all.every(({ isKnown }) => !isKnown)) {
    throw new Error(`Nothing is known of a policy ${policy}. Known are: ${known.join(', ') || 'none'}.`);
  }
  // A policy that came after the range is no part of it.
  const policies = all.filter(({ name, periods, isKnown }) => {
    return policy !== undefined || inRange.has(name) || periods.length > 0 || !isKnown;
  });
  const ofFleet = policy === undefined ? complianceSpans(fleet, question) : undefined;
  return { hubs: tally.hubs, policies, fleet: ofFleet, departures, completeSince, open, actions, seals };
}

/** What the report tells of one policy. `isKnown`: the app has kept a definition of it, at any time. */
async function policyReport(
  history: HistorySource,
  name: string,
  range: ReportQuestion,
  hours: readonly HourCompliance[],
): Promise<PolicyReport & { readonly isKnown: boolean }> {
  const { versions, inForce } = await history.policyVersions(name);
  const periods = inForce.filter(({ since, until }) => since < range.to && (until === undefined || until > range.from));
  return {
    name,
    versions: versions.filter(({ firstSeenAt }) => firstSeenAt < range.to),
    periods: periods.toReversed(),
    compliance: complianceSpans(hours, range),
    isKnown: versions.length > 0,
  };
}

/** The name of the fleet among the policies in the file of hours. No policy has it, because names have no blanks. */
const wholeFleet = 'all policies';

/** Reads the compliance of each hour, and the names of the policies with departures. */
async function readCompliance(history: HistorySource, { from, to, policy }: ReportQuestion, sink: ReportSink) {
  const hours = new Map<string, HourCompliance[]>();
  const counted = new Set<string>();
  const ofFleet: HourCompliance[] = [];
  // The pieces begin at whole hours, so that no hour is read twice.
  const start = Math.floor(Date.parse(from) / 3_600_000) * 3_600_000;
  for (let at = start; at < Date.parse(to); at += countedAtOnce) {
    sink.progress(`Reading the counts of hours from ${new Date(at).toISOString().slice(0, 10)} on`);
    const end = new Date(Math.min(at + countedAtOnce, Date.parse(to))).toISOString();
    const { compliance, fleet, buckets } = await history.summary(new Date(at).toISOString(), end);
    for (const { byPolicy } of buckets) for (const name of Object.keys(byPolicy)) counted.add(name);
    const wanted = compliance.map(toHour).filter((each) => policy === undefined || each.policy === policy);
    for (const each of wanted) {
      const list = hours.get(each.policy);
      if (list === undefined) hours.set(each.policy, [each]);
      else list.push(each);
    }
    const together = policy === undefined ? fleet.map((each) => toHour({ ...each, policy: wholeFleet })) : [];
    ofFleet.push(...together);
    await sink.write('compliance', [...wanted, ...together]);
  }
  return { hours, fleet: ofFleet, counted: [...counted, ...hours.keys()] };
}

function toHour({
  at,
  devices,
  compliant,
  meanPercent,
  minPercent,
  policy,
}: SummaryAnswer['compliance'][number]): HourCompliance {
  return {
    ...{ at, policy, devices, compliant },
    ...(meanPercent === null ? {} : { mean: meanPercent / 100 }),
    ...(minPercent === null ? {} : { min: minPercent / 100 }),
  };
}

/** Reads the departures that were detected in the range. */
async function readDepartures(history: HistorySource, question: ReportQuestion, sink: ReportSink) {
  const { from, to, mostListed } = question;
  const tally = new DepartureTally(mostListed);
  let read = 0;
  let reached = to;
  const query = { ...filterOf(question), from, to };
  for await (const { rows } of pagesOf((cursor) => history.page(query, largestPage, cursor))) {
    for (const row of rows) tally.add(row);
    await sink.write('departures', rows);
    read += rows.length;
    reached = rows.at(-1)?.detectedAt ?? reached;
    sink.progress(`Reading departures: ${read.toLocaleString('en-US')}, back to ${reached.slice(0, 16)}Z`);
  }
  return tally;
}

/** Reads what was out of line at the end of the range, also what was detected before it. */
async function readOpen(history: HistorySource, question: ReportQuestion, sink: ReportSink) {
  // The end is excluded, so this is the last moment of the range.
  const last = new Date(Date.parse(question.to) - 1).toISOString();
  const open = new OpenTally(question.mostListed);
  const query = { ...filterOf(question), openFrom: last, openTo: question.to };
  for await (const { rows } of pagesOf((cursor) => history.during(query, largestPage, cursor))) {
    await sink.write(
      'open',
      rows.flatMap((row) => open.add(row, last)),
    );
    sink.progress(`Reading what was open at the end: ${open.atEnd().total.toLocaleString('en-US')}`);
  }
  return open.atEnd();
}

function filterOf({ policy }: ReportQuestion): { readonly policy?: string } {
  return policy === undefined ? {} : { policy };
}

/** Counts what was open at a time, and keeps some of it. */
class OpenTally {
  readonly #mostListed: number;
  readonly #byOutcome = new Map<string, number>();
  readonly #listed: OpenDeparture[] = [];
  #total = 0;

  constructor(mostListed: number) {
    this.#mostListed = mostListed;
  }

  /** Adds a row when it was open at the time, and returns it then. */
  add(row: OpenDeparture['row'], time: string): readonly OpenDeparture[] {
    const state = stateAt(row, time);
    if (state === undefined) return [];
    const { outcome = 'unknown', since = row.detectedAt, reason } = state;
    const departure = { row, outcome, since, reason };
    this.#total++;
    count(this.#byOutcome, outcome);
    if (this.#listed.length < this.#mostListed) this.#listed.push(departure);
    return [departure];
  }

  atEnd(): OpenAtEnd {
    return { total: this.#total, byOutcome: largestFirst(this.#byOutcome), listed: this.#listed };
  }
}

/** Reads the actions of the range. For one policy: those on it, and those on no policy in particular. */
async function readActions(history: HistorySource, { from, to, policy, mostListed }: ReportQuestion, sink: ReportSink) {
  const listed: ActionRecord[] = [];
  let total = 0;
  for await (const { actions } of pagesOf((cursor) => history.actions({ from, to }, largestPage, cursor))) {
    const wanted = actions.filter(({ target }) => {
      return policy === undefined || target.policy === undefined || target.policy === policy;
    });
    listed.push(...wanted.slice(0, mostListed - listed.length));
    total += wanted.length;
    await sink.write('actions', wanted);
    sink.progress(`Reading actions: ${total.toLocaleString('en-US')}`);
  }
  return { listed, total };
}

/** Reads page after page. A page can be empty and still have a next one: progress is shown, and an interruption seen, after each of them. */
async function* pagesOf<T extends { readonly cursor?: string }>(
  read: (cursor?: string) => Promise<T>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
