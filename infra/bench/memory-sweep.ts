import type { Report } from './bench.ts';
import type { FilledHub } from './filled-hub.ts';
import { deviceIdOf, fleetModules } from './fleet.ts';
import type { HeapPeak, Sampling } from './heap-watch.ts';
import { type SweepSetup, withFilledHub } from './sweeps.ts';

/** Number of devices in the small fleet. */
const small = 10_000;
/** Number of devices in the large fleet. */
const large = 100_000;

/** Number of devices whose modules are missing. To find missing modules, the sweep must read all devices and modules. */
const incompleteDevices = 10;

/** Bytes by which the heap of a sweep may grow for each device of the fleet. */
const allowedPerDevice = 100;

/**
 * App settings with which a sweep never waits: not for its call budget, and not for modules to settle that the sweep before it created and
 * that this bench deleted again. This bench measures memory and not time.
 */
const withoutWaiting = {
  TWINKEEPER_HUB_TIER: 'S3',
  TWINKEEPER_HUB_UNITS: '200',
  TWINKEEPER_BUDGET_SHARE: '1',
  TWINKEEPER_SWEEP_MINUTES: '9',
  TWINKEEPER_SETTLE_SECONDS: '0',
};

/**
 * Compares the largest heap size during a sweep of a large fleet with that of a small fleet. The sweep searches for missing modules, so it
 * reads all devices and modules page by page. Rejects unless each sweep creates exactly the missing modules.
 */
export async function measureSweepMemory(folder: string, report: Report): Promise<void> {
  const measurePeaks = (devices: number) => {
    report.progress(`filling a hub with ${devices * fleetModules.length} modules on ${devices} devices`);
    return withFilledHub(devices, folder, async (setup) => {
      report.progress('sweeps that search for missing modules');
      return {
        withoutGarbage: await searchMissing(setup, devices, 'withoutGarbage'),
        withGarbage: await searchMissing(setup, devices, 'withGarbage'),
      };
    });
  };
  const peer = await measurePeaks(small);
  const ours = await measurePeaks(large);
  report.measured({
    case: 'sweep',
    ours: ours.withoutGarbage.peak / 1e6,
    peer: peer.withoutGarbage.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `largest heap with buffers during a sweep that searches for missing modules among ${large} devices. Peer: among ${small} devices. Garbage collected before each of ${ours.withoutGarbage.samples} and ${peer.withoutGarbage.samples} samples, in a child process.`,
  });
  report.measured({
    case: 'sweep-growth',
    ours: (ours.withoutGarbage.peak - peer.withoutGarbage.peak) / (large - small),
    peer: allowedPerDevice,
    unit: 'bytes/device',
    target: { atMost: 1 },
    note: 'growth of the same heap per device. The peer is the limit.',
  });
  report.measured({
    case: 'sweep-garbage',
    ours: ours.withGarbage.peak / 1e6,
    peer: peer.withGarbage.peak / 1e6,
    unit: 'MB',
    target: { atMost: 1.5 },
    note: `the same heap with uncollected garbage, the largest of ${ours.withGarbage.samples} and ${peer.withGarbage.samples} samples. V8's young generation has a fixed size, because it otherwise grows with the running time.`,
  });
}

async function searchMissing({ hub, sweep }: SweepSetup, devices: number, sampling: Sampling): Promise<HeapPeak> {
  await removeModules(hub, devices);
  const { row, heap } = await sweep({ sampling }, withoutWaiting);
  const missing = incompleteDevices * fleetModules.length;
  if (row.found !== missing || row.changed !== missing || row.resumed > 0 || heap === undefined) {
    throw new Error(`The sweep should have created ${missing} modules in one run: ${JSON.stringify(row)}`);
  }
  return heap;
}

async function removeModules({ operator }: FilledHub, devices: number): Promise<void> {
  for (let number = 0; number < incompleteDevices; number++) {
    const deviceId = deviceIdOf(Math.floor((number * devices) / incompleteDevices));
    for (const { moduleId } of fleetModules) await operator.removeModule(deviceId, moduleId);
  }
}
