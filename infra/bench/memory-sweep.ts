import type { Report } from './bench.ts';
import type { FilledHub } from './filled-hub.ts';
import { deviceIdOf, fleetModules } from './fleet.ts';
import type { HeapPeak, Sampling } from './heap-watch.ts';
import { onFilledHub, type SweepField } from './sweeps.ts';

const small = 10_000;
const large = 100_000;

/** Devices that lack their modules, so that counting does not settle it and everything is walked. */
const lacking = 10;

/** Bytes for each device that a sweep's memory may grow by. */
const allowedPerDevice = 100;

/** A budget that makes nobody wait: how large the heap gets is the question, not how long that takes on a small hub. */
const unhurried = {
  TWINKEEPER_HUB_TIER: 'S3',
  TWINKEEPER_HUB_UNITS: '200',
  TWINKEEPER_BUDGET_SHARE: '1',
  TWINKEEPER_SWEEP_MINUTES: '9',
};

/**
 * Measures how large the heap gets in a sweep that must search for missing modules, and so walks devices and modules both, page by page: in
 * a large fleet beside a small one.
 *
 * @throws Where a sweep has not found and created exactly the modules that were missing.
 */
export async function measureSweepMemory(folder: string, report: Report): Promise<void> {
  const peaksIn = (devices: number) => {
    report.progress(`filling a hub with ${devices * fleetModules.length} modules on ${devices} devices`);
    return onFilledHub(devices, folder, async (field) => {
      report.progress('sweeps of it, which search for missing modules');
      return {
        collected: await searchIn(field, devices, 'collected'),
        asItIs: await searchIn(field, devices, 'asItIs'),
      };
    });
  };
  const peer = await peaksIn(small);
  const ours = await peaksIn(large);
  report.measured({
    case: 'sweep',
    ours: ours.collected.peak / 1e6,
    peer: peer.collected.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `largest heap and buffers in use during a sweep that searches for missing modules among ${large} devices, the peer among ${small}; garbage collected before each of ${ours.collected.samples} and ${peer.collected.samples} looks, in a process of its own.`,
  });
  report.measured({
    case: 'sweep-growth',
    ours: (ours.collected.peak - peer.collected.peak) / (large - small),
    peer: allowedPerDevice,
    unit: 'bytes/device',
    target: { atMost: 1 },
    note: 'what the same grows by with each device; the peer is the limit.',
  });
  report.measured({
    case: 'sweep-garbage',
    ours: ours.asItIs.peak / 1e6,
    peer: peer.asItIs.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `the same with all garbage that V8 leaves lying, at the most of ${ours.asItIs.samples} and ${peer.asItIs.samples} looks; its young generation is kept to one size, which otherwise grows with the time that any process runs.`,
  });
}

async function searchIn({ hub, sweep }: SweepField, devices: number, sampling: Sampling): Promise<HeapPeak> {
  await removeModules(hub, devices);
  const { row, heap } = await sweep({ sampling }, unhurried);
  const missing = lacking * fleetModules.length;
  if (row.found !== missing || row.changed !== missing || row.resumed > 0 || heap === undefined) {
    throw new Error(`The sweep was to find and create ${missing} modules in one go: ${JSON.stringify(row)}`);
  }
  return heap;
}

async function removeModules({ operator }: FilledHub, devices: number): Promise<void> {
  for (let number = 0; number < lacking; number++) {
    const deviceId = deviceIdOf(Math.floor((number * devices) / lacking));
    for (const { moduleId } of fleetModules) await operator.removeModule(deviceId, moduleId);
  }
}
