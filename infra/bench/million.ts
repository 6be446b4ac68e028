import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { type MillionSweep, sweepMillions } from './million/sweep-of-millions.ts';

/** The sizes of the fleet. Each device has one module. */
const sizes = [10_000, 100_000, 1_000_000] as const;
/** Modules that are missing, in each fleet. */
const missing = 1_000;
/** Modules that differ from the baseline, in each fleet. */
const broken = 10_000;
/** The blast radius: the most twins that may change in an hour. */
const limit = 1_000;

/** Measures what one sweep costs with ten thousand, a hundred thousand and a million modules. */
export const million: Bench = {
  name: 'million',
  description: 'sweeps of 10,000, 100,000 and 1,000,000 modules that are made as they are asked for',
  run: (report) =>
    inBenchFolder(async (folder) => {
      const sweeps = (work: { readonly missing: number; readonly broken: number }) =>
        measureSizes(report, (devices) => sweepMillions(folder, { devices, limit, ...work }));
      reportCompliant(await sweeps({ missing: 0, broken: 0 }), report);
      reportSearch(await sweeps({ missing, broken: 0 }), report);
      reportBroken(await sweeps({ missing: 0, broken }), report);
    }),
};

type BySize = ReadonlyMap<number, MillionSweep>;

async function measureSizes(report: Report, sweep: (devices: number) => Promise<MillionSweep>): Promise<BySize> {
  const results = new Map<number, MillionSweep>();
  for (const devices of sizes) {
    const result = await sweep(devices);
    const { seconds, calls, messages, found, changed, heldBack, heap } = result;
    report.progress(
      `${devices} modules: ${seconds.toFixed(1)} s, ${calls} calls, ${messages} messages, ${found} found, ${changed} changed, ${heldBack} held back, ${(heap.peak / 1e6).toFixed(1)} MB`,
    );
    results.set(devices, result);
  }
  return results;
}

const [small, , large] = sizes;

function at(results: BySize, devices: number): MillionSweep {
  const result = results.get(devices);
  if (result === undefined) throw new Error(`The fleet of ${devices} devices was not measured.`);
  return result;
}

/** How a number grows with the fleet, in words. */
function growth(results: BySize, numberOf: (sweep: MillionSweep) => number): string {
  return sizes.map((devices) => `${numberOf(at(results, devices)).toFixed(0)} at ${devices}`).join(', ');
}

function reportCompliant(results: BySize, report: Report): void {
  const { calls, messages } = at(results, large);
  const how = 'one sweep of a million compliant modules, in which nothing is out of line. The peer is the limit.';
  report.measured({
    case: 'compliant-calls',
    ours: calls,
    peer: 10,
    unit: 'hub calls',
    target: { atMost: 1 },
    note: `${how} By size: ${growth(results, (sweep) => sweep.calls)}.`,
  });
  report.measured({
    case: 'compliant-messages',
    ours: messages,
    peer: 100,
    unit: 'messages',
    target: { atMost: 1 },
    note: `${how} By size: ${growth(results, (sweep) => sweep.messages)}.`,
  });
  reportHeap('compliant-heap', results, report);
}

function reportSearch(results: BySize, report: Report): void {
  for (const [devices, { changed, stillMissing }] of results) {
    if (changed !== missing || stillMissing > 0)
      throw new Error(`The sweep of ${devices} devices created ${changed} of ${missing} modules.`);
  }
  const [first, last] = [at(results, small), at(results, large)];
  report.measured({
    case: 'search-calls',
    ours: last.calls,
    peer: first.calls * (large / small),
    unit: 'hub calls',
    target: { atMost: 1 },
    note: `one sweep that finds and creates ${missing} missing modules among a million. The peer grows with the fleet. By size: ${growth(results, (sweep) => sweep.calls)} calls, ${growth(results, (sweep) => sweep.messages)} messages.`,
  });
  report.measured({
    case: 'search-heap',
    ours: (last.heap.peak - first.heap.peak) / (large - small),
    peer: 100,
    unit: 'bytes/device',
    target: { atMost: 1 },
    note: `growth of the largest heap for each device. The peer is the limit. By size: ${growth(results, (sweep) => sweep.heap.peak / 1e6)} MB.`,
  });
}

function reportBroken(results: BySize, report: Report): void {
  for (const [devices, { changed, stillBroken }] of results) {
    if (changed > limit || stillBroken < broken - limit)
      throw new Error(`The sweep of ${devices} devices changed ${changed} twins, and ${limit} are allowed.`);
  }
  const [first, last] = [at(results, small), at(results, large)];
  report.measured({
    case: 'broken-calls',
    ours: last.calls,
    peer: first.calls,
    unit: 'hub calls',
    target: { atMost: 1.1 },
    note: `one sweep that finds ${broken} broken modules under a blast radius of ${limit}: it repairs ${last.changed} and holds ${last.heldBack} back. By size: ${growth(results, (sweep) => sweep.calls)} calls, ${growth(results, (sweep) => sweep.messages)} messages, ${growth(results, (sweep) => sweep.seconds)} s.`,
  });
  reportHeap('broken-heap', results, report);
}

function reportHeap(name: string, results: BySize, report: Report): void {
  report.measured({
    case: name,
    ours: at(results, large).heap.peak / 1e6,
    peer: at(results, small).heap.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `largest heap with buffers during the sweep of a million modules. Peer: during that of ${small}.`,
  });
}
