import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../shared/clock.ts';
import { definePolicy } from '../../shared/policy/index.ts';
import { EventProcessor } from '../../shared/reconcile/index.ts';
import { createDeadLetters } from '../../shared/retry/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { startAzurite } from '../local/azurite.ts';
import { TWINKEEPER_POLICY } from '../local/hub/credentials.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { type BenchHub, startBenchHub } from './bench-hub.ts';
import { Disturbances } from './crowd-disturbances.ts';
import { feedEvents } from './crowd-events.ts';
import { percentile } from './statistics.ts';
import { createSweepingApp } from './sweeping-app.ts';

/** Modules that break the policy when the sweep begins: work for two minutes at half of what one S1 unit lets through. */
const broken = 3_000;
/** Modules that are disturbed one after the other while it goes on, none so often that it would be taken for contested. */
const disturbed = 2_000;
const disturbancesPerSecond = 5;
const quietSeconds = 120;
/** How late the hub's answers come, as over a network, in milliseconds. */
const hubLatency = 40;
/** How long an event is under way, in milliseconds: message routing takes up to half a second (IoT Hub message routing, "Latency"). */
const delivery = 300;

const moduleId = 'DefenderIotMicroAgent';
const policy = definePolicy({
  name: 'crowd',
  module: moduleId,
  desired: { Process_Disabled: false, Login_Disabled: false, Process_CacheSize: 256 },
});

/** Whether a sweep that has much to do gets in the way of events. */
export const crowd: Bench = {
  name: 'crowd',
  description: `event to enforced while a sweep mends ${broken.toLocaleString('en')} modules on a throttled S1 unit, beside without the sweep`,
  async run(report) {
    const azurite = await startAzurite();
    try {
      await inBenchFolder(async (folder) => {
        const hub = await startBenchHub(folder, {
          throttle: { tier: 'S1', units: 1 },
          faults: [{ share: 1, policy: TWINKEEPER_POLICY, kinds: [{ delay: hubLatency }] }],
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

async function measure(hub: BenchHub, storage: StorageAccount, report: Report): Promise<void> {
  for (let index = 0; index < broken; index++) addModule(hub, `broken-${index}`, true);
  const ids = Array.from({ length: disturbed }, (_, index) => `device-${index}`);
  for (const deviceId of ids) addModule(hub, deviceId, false);

  const app = createSweepingApp({
    hub,
    storage,
    definitions: [policy],
    budget: { tier: 'S1', units: 1, share: 0.5 },
    partsAtOnce: 1,
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
  const endFeed = feedEvents(hub.log, delivery, (events) => processor.process(events));
  const disturbances = new Disturbances(hub, { ids, moduleId, path: 'Process_CacheSize', right: 256, delivery });

  // The first calls load SDKs and open connections.
  await disturbances.during(disturbancesPerSecond, () => sleep(5_000));
  report.progress(`${disturbancesPerSecond} departures a second for ${quietSeconds} s`);
  const alone = await disturbances.during(disturbancesPerSecond, () => sleep(quietSeconds * 1000));
  report.progress(`${describe(alone)}; now with a sweep`);

  let atFirstMinute = await hub.callsOf(TWINKEEPER_POLICY);
  let sweepSeconds = 0;
  const from = performance.now();
  const crowded = await disturbances.during(disturbancesPerSecond, async () => {
    const timer = setTimeout(async () => {
      atFirstMinute = await hub.callsOf(TWINKEEPER_POLICY);
    }, 60_000);
    const row = await app.sweep();
    clearTimeout(timer);
    sweepSeconds = (performance.now() - from) / 1000;
    report.progress(`the sweep changed ${row.changed} of ${broken} in ${sweepSeconds.toFixed(0)} s`);
    if (row.changed < broken) throw new Error(`The sweep mended ${row.changed} of ${broken} modules.`);
  });
  const end = await hub.callsOf(TWINKEEPER_POLICY);
  await endFeed();
  report.progress(describe(crowded));

  const total = end.total - atFirstMinute.total;
  const refused = (end.byStatus['429'] ?? 0) - (atFirstMinute.byStatus['429'] ?? 0);
  report.measured({
    case: 'p99',
    ours: percentile(crowded, 0.99),
    peer: percentile(alone, 0.99),
    unit: 'ms',
    target: { atMost: 2 },
    note: `from the delivery of an event, ${delivery} ms after the write that departs, to the write that mends it, ${crowded.length} times while a sweep mended ${broken} modules in ${sweepSeconds.toFixed(0)} s, beside ${alone.length} times without. One process, half of an S1 unit for both; the hub answers ${hubLatency} ms late. Medians: ${percentile(crowded, 0.5).toFixed(0)} and ${percentile(alone, 0.5).toFixed(0)} ms; handed over for later: ${deferred}.`,
  });
  report.measured({
    case: 'refused',
    ours: (100 * refused) / total,
    peer: 1,
    unit: '% of calls',
    target: { atMost: 1 },
    note: `answered with 429 after the first minute: ${refused} of ${total}; the peer is the limit.`,
  });
}

function addModule({ registry }: BenchHub, deviceId: string, isBroken: boolean): void {
  registry.create({ deviceId }, {});
  const desired = { Process_Disabled: isBroken, Login_Disabled: false, Process_CacheSize: 256 };
  registry.create({ deviceId, moduleId }, {}, { desired });
}

function describe(latencies: readonly number[]): string {
  const [median, p99, most] = [0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(0));
  return `${latencies.length} mended, median ${median} ms, p99 ${p99} ms, longest ${most} ms`;
}
