import { createRollups } from '../../shared/drift/index.ts';
import { startAzurite } from '../local/azurite.ts';
import { measureApart } from './apart.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { Exported } from './children/csv-export.ts';
import { type Answered, askAll, countRows } from './history-questions.ts';
import { countTransactions, measureRates } from './history-recording.ts';
import { days, newest, putRows, recentRows } from './history-rows.ts';
import { isKeyRange, startTableRecorder } from './table-recorder.ts';

const allRows = 200_000;
const rowsPerPut = 10_000;

/** What Table Storage takes for an answer within its region, in milliseconds, at the least. */
const latencyOfService = 10;

/** What it costs to ask and to write the history. Requests and rows are counted: the emulator goes through a whole table for each query. */
export const history: Bench = {
  name: 'history',
  description: `requests and rows that questions to ${allRows.toLocaleString('en')} rows of history cost, and what it costs to write them`,
  async run(report) {
    await measureRecording(report);
    await measureQuestions(report);
  },
};

async function measureQuestions(report: Report): Promise<void> {
  const azurite = await startAzurite();
  const recorder = await startTableRecorder(azurite.endpoints.connectionString);
  try {
    const started = performance.now();
    report.progress(`putting ${recentRows} rows of ${days} days into the tables, and counting them`);
    await putRows(azurite.endpoints, 0, recentRows, true);
    await createRollups(azurite.endpoints, () => new Date(newest + 60_000)).refresh([]);
    const few = await askAll(recorder, azurite.endpoints);
    const small = await exportCsv(azurite.endpoints.connectionString, days);
    for (let from = recentRows; from < allRows; from += rowsPerPut) {
      report.progress(`rows from before: ${from} of ${allRows}, ${Math.round((performance.now() - started) / 1000)} s`);
      await putRows(azurite.endpoints, from, from + rowsPerPut, false);
    }
    report.progress('the same questions to all of them');
    const many = await askAll(recorder, azurite.endpoints);
    const whole = await countRows(azurite.endpoints, 'TwinkeeperDrift');
    for (const [index, answered] of many.entries()) tellOf(answered, few[index] ?? answered, whole, report);
    report.progress('exporting all of them as CSV');
    const large = await exportCsv(azurite.endpoints.connectionString, 400);
    report.measured({
      case: 'csv',
      ours: large.peak / 1e6,
      peer: small.peak / 1e6,
      unit: 'MB',
      target: { atMost: 1.5 },
      note: `largest heap and buffers in use while ${large.rows} rows (${Math.round(large.bytes / 1e6)} MB) are exported a page at a time, the peer ${small.rows}; garbage collected before each of ${large.samples} and ${small.samples} looks, in a process of its own.`,
    });
  } finally {
    await recorder.close();
    await azurite.close();
  }
}

function tellOf(many: Answered, few: Answered, whole: number, report: Report): void {
  const { name, given, requests, returned, gone, isFiltered } = many;
  const asked = requests.map(({ filter = '' }) => filter);
  const ranges = requests.filter(isKeyRange).length;
  const what = `${requests.length} requests, ${returned} rows returned for ${given} given`;
  report.measured({
    case: `${name}-ranges`,
    ours: ranges,
    peer: requests.length,
    unit: 'requests',
    target: { atLeast: 1 },
    note: `that name a partition and a range of its keys, of all; the first: ${asked[0]}.`,
  });
  if (name !== 'summary') {
    report.measured({
      case: `${name}-rows`,
      ours: returned,
      peer: given,
      unit: 'rows',
      target: { atMost: 1.25 },
      note: `that the service returned, beside those that the caller got: ${what}.`,
    });
  }
  report.measured({
    case: `${name}-growth`,
    ours: requests.length + gone,
    peer: few.requests.length + few.gone,
    unit: 'requests + rows',
    target: { atMost: 1 },
    note: `at ${allRows} rows in each table, the peer at ${recentRows}.`,
  });
  report.measured({
    case: `${name}-whole`,
    ours: gone,
    peer: whole,
    unit: 'rows',
    target: { atMost: 0.1 },
    note: `that the service goes through${isFiltered ? ', those that the filter leaves out included' : ''}; the peer is a filter over the whole table.`,
  });
}

async function exportCsv(connectionString: string, ofDays: number): Promise<Exported> {
  const to = new Date(newest + 60_000);
  const from = new Date(to.getTime() - ofDays * 86_400_000);
  return inBenchFolder(async (folder) =>
    measureApart<Exported>({
      child: await bundleChild('csv-export', folder),
      options: { connectionString, from: from.toISOString(), to: to.toISOString() },
      nodeOptions: ['--expose-gc'],
    }),
  );
}

async function measureRecording(report: Report): Promise<void> {
  for (const { name, perDevice, drifts, most } of [
    { name: 'spread', perDevice: 1, drifts: 2048, most: 3 },
    { name: 'hundred', perDevice: 100, drifts: 5000, most: 0.2 },
  ]) {
    report.progress(`recording ${drifts} drifts, ${perDevice} on a device`);
    const { writes, reads } = await countTransactions(drifts, perDevice);
    report.measured({
      case: `${name}-transactions`,
      ours: writes / drifts,
      peer: most,
      unit: 'per drift',
      target: { atMost: 1 },
      note: `table transactions for each of ${drifts} drifts, ${perDevice} on a device, from events to their outcome with indexes and marks for the roll-ups; the peer is the limit. With the queries that recall what is known it is ${((writes + reads) / drifts).toFixed(2)}.`,
    });
    for (const latency of [0, latencyOfService]) {
      const { ours, bare } = await measureRates(perDevice, latency);
      const where =
        latency === 0 ? 'an emulator' : `an emulator whose answers take ${latency} ms longer, as a service's do`;
      report.measured({
        case: latency === 0 ? `${name}-rate` : `${name}-rate-afar`,
        ours,
        peer: bare,
        unit: 'drifts/s',
        target: { atLeast: 1 },
        note: `recorded with everything that belongs to it, beside a loop that awaits upsertEntity with one row each, in turns on ${where}. An emulator without latency does one request after the other, so that there it is the requests that are counted.`,
      });
    }
  }
}
