import { join } from 'node:path';
import { functionAppFolder, projectRoot } from '../local/project.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { HeapSample } from './children/heap.ts';
import { unreachable } from './loaded-app.ts';
import { measureInChild } from './measure-in-child.ts';
import { measurePassMemory } from './memory-pass.ts';
import { measureSweepMemory } from './memory-sweep.ts';
import { slope } from './statistics.ts';

/** Number of events before the first sample of the heap, and between two samples. */
const settled = 20_000;
/** Number of events in the whole measurement. */
const all = 200_000;

/** Allowed growth of the heap from the first to the last sample, as a share of the first sample. */
const allowedGrowth = 0.1;

/** Measures whether the app needs more memory the longer it runs. */
export const memory: Bench = {
  name: 'memory',
  description: `heap after ${all.toLocaleString('en')} events compared with the first ${settled.toLocaleString('en')}, in passes over devices with long and short histories, and in sweeps of large and small fleets`,
  async run(report) {
    await inBenchFolder(async (folder) => {
      await measureEvents(folder, report);
      await measurePassMemory(folder, report);
      await measureSweepMemory(folder, report);
    });
  },
};

async function measureEvents(folder: string, report: Report): Promise<void> {
  report.progress(`${all} events, each of another device`);
  const samples = await measureInChild<readonly HeapSample[]>({
    child: await bundleChild('heap', folder),
    options: { file: join(functionAppFolder(projectRoot()), 'main.cjs'), events: all, every: settled },
    settings: unreachable,
    nodeOptions: ['--expose-gc'],
  });
  const first = samples.at(0);
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error('The child process took no heap samples.');
  const perEvent = slope(samples.map(({ events, bytes }) => ({ x: events, y: bytes })));
  report.measured({
    case: 'heap',
    ours: last.bytes / 1e6,
    peer: first.bytes / 1e6,
    unit: 'MB',
    target: { atMost: 1 + allowedGrowth },
    note: `heap in use after garbage collection, ours after ${last.events} events, the peer after ${first.events}.`,
  });
  report.measured({
    case: 'slope',
    ours: perEvent,
    peer: (first.bytes * allowedGrowth) / (last.events - first.events),
    unit: 'bytes/event',
    target: { atMost: 1 },
    note: `growth of the heap per event, fitted to samples after every ${settled} events. The peer is a total growth of ${allowedGrowth * 100} %.`,
  });
}
