import { createRollups } from '../../shared/drift/index.ts';
import { startAzurite } from '../local/azurite.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { CsvExport } from './children/csv-export.ts';
import { countRows, type QueryCost, runQueries } from './history-queries.ts';
import { countTransactions, measureRates } from './history-recording.ts';
import { days, historyEnd, putRows, recentRows } from './history-rows.ts';
import { measureInChild } from './measure-in-child.ts';
import { isKeyRange, startTableRecorder } from './table-recorder.ts';

const allRows = 200_000;
const rowsPerPut = 10_000;

/** The shortest time in which Table Storage answers a request from the same region, in milliseconds. */
const serviceLatency = 10;

/**
 * Measures the cost of reading and writing the history. Counts requests and rows instead of time, because the storage emulator scans a
 * whole table for each query.
 */
export const history: Bench = {
  name: 'history',
  description: `requests and rows for queries of ${allRows.toLocaleString('en')} history rows, and the cost of writing rows`,
  async run(report) {
    await measureRecording(report);
    await measureQueries(report);
  },
};

async function measureQueries(report: Report): Promise<void> {
  const azurite = await startAzurite();
  const recorder = await startTableRecorder(azurite.endpoints.connectionString);
  try {
    const started = performance.now();
    report.progress(`writing ${recentRows} rows of ${days} days, and counting them`);
    await putRows(azurite.endpoints, 0, recentRows, true);
    await createRollups(azurite.endpoints, () => new Date(historyEnd + 60_000)).refresh([]);
    const few = await runQueries(recorder, azurite.endpoints);
    const small = await exportCsv(azurite.endpoints.connectionString, days);
    for (let from = recentRows; from < allRows; from += rowsPerPut) {
      report.progress(
        `writing older rows: ${from} of ${allRows}, ${Math.round((performance.now() - started) / 1000)} s`,
      );
      await putRows(azurite.endpoints, from, from + rowsPerPut, false);
    }
    report.progress('the same queries of all rows');
    const many = await runQueries(recorder, azurite.endpoints);
    const tableRows = await countRows(azurite.endpoints, 'TwinkeeperDrift');
    for (const [index, cost] of many.entries()) reportQuery(cost, few[index] ?? cost, tableRows, report);
    report.progress('exporting all rows as CSV');
    const large = await exportCsv(azurite.endpoints.connectionString, 400);
    report.measured({
      case: 'csv',
      ours: large.peak / 1e6,
      peer: small.peak / 1e6,
      unit: 'MB',
      target: { atMost: 1.5 },
      note: `largest heap with buffers during an export of ${large.rows} rows (${Math.round(large.bytes / 1e6)} MB) page by page. Peer: ${small.rows} rows. Garbage collected before each of ${large.samples} and ${small.samples} samples, in a child process.`,
    });
  } finally {
    await recorder.close();
    await azurite.close();
  }
}

function reportQuery(many: QueryCost, few: QueryCost, tableRows: number, report: Report): void {
  const { name, rowsReceived, requests, rowsReturned, rowsScanned, isFiltered } = many;
  const firstFilter = requests[0]?.filter ?? '';
  const ranges = requests.filter(isKeyRange).length;
  report.measured({
    case: `${name}-ranges`,
    ours: ranges,
    peer: requests.length,
    unit: 'requests',
    target: { atLeast: 1 },
    note: `requests with a partition and a range of row keys, of all requests. The first filter: ${firstFilter}.`,
  });
  if (name !== 'summary') {
    report.measured({
      case: `${name}-rows`,
      ours: rowsReturned,
      peer: rowsReceived,
      unit: 'rows',
      target: { atMost: 1.25 },
      note: `rows that Table Storage returned in ${requests.length} requests, compared with the rows that the caller received.`,
    });
  }
  report.measured({
    case: `${name}-growth`,
    ours: requests.length + rowsScanned,
    peer: few.requests.length + few.rowsScanned,
    unit: 'requests + rows',
    target: { atMost: 1 },
    note: `requests and scanned rows with ${allRows} rows in each table. Peer: with ${recentRows} rows.`,
  });
  report.measured({
    case: `${name}-whole`,
    ours: rowsScanned,
    peer: tableRows,
    unit: 'rows',
    target: { atMost: 0.1 },
    note: `rows that Table Storage scans${isFiltered ? ', with those that the filter rejects' : ''}. The peer is a scan of the whole table.`,
  });
}

/** Exports the last `lastDays` days of the history as CSV, in a child process. */
async function exportCsv(connectionString: string, lastDays: number): Promise<CsvExport> {
  const to = new Date(historyEnd + 60_000);
  const from = new Date(to.getTime() - lastDays * 86_400_000);
  return inBenchFolder(async (folder) =>
    measureInChild<CsvExport>({
      child: await bundleChild('csv-export', folder),
      options: { connectionString, from: from.toISOString(), to: to.toISOString() },
      nodeOptions: ['--expose-gc'],
    }),
  );
}

async function measureRecording(report: Report): Promise<void> {
  for (const { name, perDevice, drifts, limit } of [
    { name: 'spread', perDevice: 1, drifts: 2048, limit: 3 },
    { name: 'hundred', perDevice: 100, drifts: 5000, limit: 0.2 },
  ]) {
    report.progress(`recording ${drifts} drifts, ${perDevice} on each device`);
    const { writes, reads } = await countTransactions(drifts, perDevice);
    report.measured({
      case: `${name}-transactions`,
      ours: writes / drifts,
      peer: limit,
      unit: 'per drift',
      target: { atMost: 1 },
      note: `table transactions per drift, for ${drifts} drifts with ${perDevice} on each device, from the event to the outcome, with indexes and roll-up marks. The peer is the limit. With read requests: ${((writes + reads) / drifts).toFixed(2)} per drift.`,
    });
    for (const latency of [0, serviceLatency]) {
      const { ours, plain } = await measureRates(perDevice, latency);
      const storage =
        latency === 0 ? 'an emulator' : `an emulator with ${latency} ms of added latency, like the real service`;
      report.measured({
        case: latency === 0 ? `${name}-rate` : `${name}-rate-afar`,
        ours,
        peer: plain,
        unit: 'drifts/s',
        target: { atLeast: 1 },
        note: `drifts recorded with all their rows, compared with a loop that awaits one upsertEntity per drift, in alternating rounds on ${storage}. Without latency the emulator handles one request at a time, so the rate depends on the number of requests.`,
      });
    }
  }
}
