import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import { baselineOf, toPolicySet } from '../../shared/policy/index.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { type Backfill, byBulkCalls, byImportJob, byScript, importBytes } from './million/backfill-ways.ts';
import { type MillionSweep, processApart, sweepApart } from './million/measure-apart.ts';

/** The sizes of the fleet. Each device has one module. */
const [small, middle, large] = [10_000, 100_000, 1_000_000] as const;
const sizes: readonly number[] = [small, middle, large];
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
      const sweeps = (work: { readonly missing: number; readonly broken: number }, fleets = sizes) =>
        measureSizes(report, fleets, (devices) => sweepApart(folder, { devices, limit, ...work }));
      reportCompliant(await sweeps({ missing: 0, broken: 0 }), report);
      reportSearch(await sweeps({ missing, broken: 0 }), report);
      reportBroken(await sweeps({ missing: 0, broken }, sizes.slice(1)), report);
      await reportBackfill(report);
      await reportEvents(folder, report);
    }),
};

/** Modules that a backfill creates. */
const backfilled = 200_000;
/** The hubs of the backfill. */
const hubs = [
  { tier: 'S1', units: 5 },
  { tier: 'S3', units: 1 },
] as const;
/**
 * Modules that an import job may create in a second. A comment in a sample of Microsoft speaks of a minute for each hundred devices. The other
 * speed is that of a hub that creates a thousand times as many.
 */
const importRates = [100 / 60, 1_000] as const;

/** Events a second of all devices, the partitions of the event hub, and the instances of the app. */
const eventLoad = { eventsPerSecond: 5_000, partitions: 32, seconds: 10, relevantShare: 0.01 } as const;
const instances = 8;

type BySize = ReadonlyMap<number, MillionSweep>;

async function measureSizes(
  report: Report,
  fleets: readonly number[],
  sweep: (devices: number) => Promise<MillionSweep>,
): Promise<BySize> {
  const results = new Map<number, MillionSweep>();
  for (const devices of fleets) {
    const result = await sweep(devices);
    const { seconds, calls, messages, found, changed, heldBack, heap } = result;
    report.progress(
      `${devices} modules: ${seconds.toFixed(1)} s, ${calls} calls, ${messages} messages, ${found} found, ${changed} changed, ${heldBack} held back, ${(heap.peak / 1e6).toFixed(1)} MB`,
    );
    results.set(devices, result);
  }
  return results;
}

function at(results: BySize, devices: number): MillionSweep {
  const result = results.get(devices);
  if (result === undefined) throw new Error(`The fleet of ${devices} devices was not measured.`);
  return result;
}

/** How a number grows with the fleet, in words. */
function growth(results: BySize, numberOf: (sweep: MillionSweep) => number): string {
  return [...results].map(([devices, sweep]) => `${numberOf(sweep).toFixed(0)} at ${devices}`).join(', ');
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
  reportHeap('compliant-heap', results, small, report);
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
  const [first, last] = [at(results, middle), at(results, large)];
  report.measured({
    case: 'broken-calls',
    ours: last.calls,
    peer: first.calls,
    unit: 'hub calls',
    target: { atMost: 1.1 },
    note: `one sweep that finds ${broken} broken modules under a blast radius of ${limit}: it reads each of them, repairs ${last.changed}, and records the others as held back. By size: ${growth(results, (sweep) => sweep.calls)} calls, ${growth(results, (sweep) => sweep.messages)} messages, ${growth(results, (sweep) => sweep.seconds)} s.`,
  });
  reportHeap('broken-heap', results, middle, report);
}

function reportHeap(name: string, results: BySize, peer: number, report: Report): void {
  report.measured({
    case: name,
    ours: at(results, large).heap.peak / 1e6,
    peer: at(results, peer).heap.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `largest heap with buffers during the sweep of a million modules. Peer: during that of ${peer}.`,
  });
}

async function reportBackfill(report: Report): Promise<void> {
  const [policy] = toPolicySet([azureiotsecurity], { mode: 'enforce' }).all;
  if (policy === undefined) throw new Error('The policy set is empty.');
  for (const hub of hubs) {
    const name = `${hub.tier} × ${hub.units}`;
    report.progress(`a backfill of ${backfilled} modules on ${name}`);
    const backfill: Backfill = {
      ...hub,
      devices: backfilled,
      moduleId: policy.module,
      baseline: baselineOf(policy),
      tags: policy.moduleTags,
    };
    const [script, bulk] = [byScript(backfill), await byBulkCalls(backfill)];
    const jobs = importRates.map((rate) => ({ rate, ...byImportJob(backfill, rate) }));
    const describe = ({ calls, operations, messages, hours }: typeof script) =>
      `${calls} calls, ${operations} operations, ${messages} messages, ${hours.toFixed(1)} h`;
    report.measured({
      case: `backfill-${hub.tier}`,
      ours: bulk.calls,
      peer: script.calls,
      unit: 'hub calls',
      target: { atMost: 1 / 4 },
      note:
        `calls that create ${backfilled} modules on ${name} with bulk calls and half of the throttle: ${describe(bulk)}. The budget is the app's own, on a clock that skips waits. Peer: the vendor's script with all of the throttle, calculated with 100 ms a call: ${describe(script)}. ` +
        `An import job of ${(importBytes(backfill) / 1e6).toFixed(0)} MB, calculated: ${jobs.map((job) => `${describe(job)} at ${job.rate.toFixed(1)} modules a second`).join('; ')}. No real hub was seen to import so many.`,
    });
  }
}

async function reportEvents(folder: string, report: Report): Promise<void> {
  const { eventsPerSecond, partitions, seconds, relevantShare } = eventLoad;
  report.progress(`${seconds} s of ${eventsPerSecond} events a second`);
  const { elapsed, processorTime, relevant, repaired, deferred } = await processApart(folder, {
    devices: large,
    ...eventLoad,
  });
  if (repaired !== relevant) throw new Error(`Of ${relevant} removals, ${repaired} were repaired.`);
  report.measured({
    case: 'events',
    ours: processorTime / seconds,
    peer: instances,
    unit: 's of processor time',
    target: { atMost: 1 },
    note: `processor time of one process for each second of ${eventsPerSecond} events in ${partitions} partitions, of which ${100 * relevantShare} % remove the configuration of an agent and are repaired and recorded. Peer: what ${instances} instances with one core have. Real time, with Azurite on the same machine: ${(elapsed / seconds).toFixed(2)} s for each second. Deferred: ${deferred}.`,
  });
}
