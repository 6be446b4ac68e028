import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../shared/clock.ts';
import { connectToHub } from '../../shared/hub/index.ts';
import { definePolicy } from '../../shared/policy/index.ts';
import { EventProcessor } from '../../shared/reconcile/index.ts';
import { createDeadLetters } from '../../shared/retry/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { startAzurite } from '../local/azurite.ts';
import { twinkeeperPolicy } from '../local/hub/credentials.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { type BenchHub, startBenchHub } from './bench-hub.ts';
import { Disturbances } from './crowd-disturbances.ts';
import { feedEvents } from './crowd-events.ts';
import { percentile } from './statistics.ts';
import { createSweepingApp } from './sweeping-app.ts';

/** Number of modules that have drift when the sweep begins. Half the limit of one S1 unit allows this many repairs in two minutes. */
const broken = 3_000;
/**
 * Number of modules that get new drift during the sweep. Each module is disturbed too rarely for a guard to call its properties contested.
 */
const disturbed = 2_000;
const disturbancesPerSecond = 5;
const quietSeconds = 120;
/** Milliseconds by which the hub delays each response, as a network would. */
const hubLatency = 40;
/** Milliseconds by which each event is delayed. Message routing takes up to 500 ms ("IoT Hub message routing", Latency). */
const deliveryDelay = 300;

const moduleId = 'DefenderIotMicroAgent';
const policy = definePolicy({
  name: 'crowd',
  module: moduleId,
  desired: { Process_Disabled: false, Login_Disabled: false, Process_CacheSize: 256 },
});

/** Measures how much longer the repair of drift from events takes while a sweep repairs many modules. */
export const crowd: Bench = {
  name: 'crowd',
  description: `time from event to repair while a sweep repairs ${broken.toLocaleString('en')} modules on a throttled S1 unit, compared with no sweep`,
  async run(report) {
    const azurite = await startAzurite();
    try {
      await inBenchFolder(async (folder) => {
        const hub = await startBenchHub(folder, {
          throttle: { tier: 'S1', units: 1 },
          faults: [{ share: 1, caller: twinkeeperPolicy, kinds: [{ delay: hubLatency }] }],
          retainEvents: 20_000,
        });
        try {
          await measure(hub, azurite.endpoints, report);
        } finally {
          await hub.close();
        }
      });
    } finally {
      await azurite.close();
    }
  },
};

const budget = { tier: 'S1', units: 1, share: 0.5, messageShare: 1 } as const;

async function measure(hub: BenchHub, storage: StorageAccount, report: Report): Promise<void> {
  for (let index = 0; index < broken; index++) addModule(hub, `broken-${index}`, true);
  const ids = Array.from({ length: disturbed }, (_, index) => `device-${index}`);
  for (const deviceId of ids) addModule(hub, deviceId, false);

  const app = createSweepingApp({
    hub: connectToHub(hub.addressFor('twinkeeper'), { ca: hub.ca, budget }),
    storage,
    definitions: [policy],
    concurrency: 1,
    clock: systemClock,
    onTrouble: (message) => report.progress(message),
  });
  let deferred = 0;
  const processor = new EventProcessor({
    reconciler: app.reconciler,
    queue: { put: async () => void deferred++ },
    deadLetters: createDeadLetters(storage, () => new Date()),
    log: { info() {}, warn: (message) => report.progress(message), error: (message) => report.progress(message) },
    retry: { firstDelay: 30, attempts: 10 },
  });
  const stopFeed = feedEvents(hub.log, deliveryDelay, (events) => processor.process(events));
  const disturbances = new Disturbances(hub, {
    ids,
    moduleId,
    path: 'Process_CacheSize',
    expected: 256,
    deliveryDelay,
  });

  // The first calls are not measured: they load SDKs and open connections.
  await disturbances.during(disturbancesPerSecond, () => sleep(5_000));
  report.progress(`${disturbancesPerSecond} drifts a second for ${quietSeconds} s without a sweep`);
  const alone = await disturbances.during(disturbancesPerSecond, () => sleep(quietSeconds * 1000));
  report.progress(`${describe(alone)}. Next: the same with a sweep`);

  let atFirstMinute = await hub.callsOf(twinkeeperPolicy);
  let sweepSeconds = 0;
  const from = performance.now();
  const crowded = await disturbances.during(disturbancesPerSecond, async () => {
    const timer = setTimeout(async () => {
      atFirstMinute = await hub.callsOf(twinkeeperPolicy);
    }, 60_000);
    const row = await app.sweep();
    clearTimeout(timer);
    sweepSeconds = (performance.now() - from) / 1000;
    report.progress(`the sweep repaired ${row.changed} of ${broken} modules in ${sweepSeconds.toFixed(0)} s`);
    if (row.changed < broken) throw new Error(`The sweep repaired ${row.changed} of ${broken} modules.`);
  });
  const end = await hub.callsOf(twinkeeperPolicy);
  await stopFeed();
  report.progress(describe(crowded));

  const total = end.total - atFirstMinute.total;
  const refused = (end.byStatus['429'] ?? 0) - (atFirstMinute.byStatus['429'] ?? 0);
  report.measured({
    case: 'p99',
    ours: percentile(crowded, 0.99),
    peer: percentile(alone, 0.99),
    unit: 'ms',
    target: { atMost: 2 },
    note: `time from the delivery of an event, ${deliveryDelay} ms after the wrong write, to its repair. Ours: ${crowded.length} repairs while a sweep repaired ${broken} modules in ${sweepSeconds.toFixed(0)} s. Peer: ${alone.length} repairs without a sweep. One process with half of an S1 unit for both, and hub responses delayed by ${hubLatency} ms. Medians: ${percentile(crowded, 0.5).toFixed(0)} and ${percentile(alone, 0.5).toFixed(0)} ms. Deferred devices: ${deferred}.`,
  });
  report.measured({
    case: 'refused',
    ours: (100 * refused) / total,
    peer: 1,
    unit: '% of calls',
    target: { atMost: 1 },
    note: `calls refused with 429 after the first minute: ${refused} of ${total}. The peer is the limit.`,
  });
}

function addModule({ registry }: BenchHub, deviceId: string, isBroken: boolean): void {
  registry.create({ deviceId }, {});
  const desired = { Process_Disabled: isBroken, Login_Disabled: false, Process_CacheSize: 256 };
  registry.create({ deviceId, moduleId }, {}, { desired });
}

function describe(latencies: readonly number[]): string {
  const [median, p99, longest] = [0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(0));
  return `${latencies.length} repairs, median ${median} ms, p99 ${p99} ms, longest ${longest} ms`;
}
