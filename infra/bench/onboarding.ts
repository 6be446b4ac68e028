import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { baselineOf, toPolicySet } from '../../shared/policy/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { startAzurite } from '../local/azurite.ts';
import { ownerPolicy, twinkeeperPolicy } from '../local/hub/credentials.ts';
import { throttleLimits } from '../local/hub/throttle-limits.ts';
import { SkippingClock } from '../local/skipping-clock.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { type BenchHub, type Caller, startBenchHub } from './bench-hub.ts';
import { LeapingClock } from './leaping-clock.ts';
import { runScript } from './onboarding-script.ts';
import { createSweepingApp } from './sweeping-app.ts';

const devices = 10_000;
const oneUnit = { tier: 'S1', units: 1 } as const;
/** Seconds of a limit that the hub lets through at once. */
const burst = 60;

/** A fleet that has none of the modules yet: what a first deployment finds. */
export const onboarding: Bench = {
  name: 'onboarding',
  description: `${devices.toLocaleString('en')} devices without a module, on one throttled S1 unit, beside the vendor's script`,
  async run(report) {
    report.progress(`the vendor's procedure, ${2 * devices} calls one after the other`);
    const script = await onboard({ by: byScript, caller: ownerPolicy, clock: new SkippingClock(), bulkCost: 'call' });
    report.progress(`${describe(script)}; now a sweep`);
    const ours = await onboard({
      by: bySweep(report),
      caller: twinkeeperPolicy,
      clock: systemClock,
      bulkCost: 'call',
    });
    report.progress(describe(ours));
    report.measured({
      case: 'calls',
      ours: ours.calls,
      peer: script.calls,
      unit: 'hub calls',
      target: { atMost: 1 / 50 },
      note: `one sweep beside the vendor's procedure: query, then a PUT and a PATCH for each device, one after the other. Among the calls, refused with 429 and repeated: ${ours.refused} and ${script.refused}.`,
    });
    report.measured({
      case: 'bulk-as-one',
      ours: ours.seconds,
      peer: script.seconds,
      unit: 's',
      target: { atMost: 1 / 50 },
      note: 'where a bulk call counts as one. Both by real time, with all that was computed and stored; but when the script waits for its turn, which it does alone, that time is added up instead of being waited for.',
    });

    report.progress('the same where a bulk call counts as its entries');
    const slow = await onboard({
      by: bySweep(report),
      caller: twinkeeperPolicy,
      clock: new LeapingClock(),
      bulkCost: 'entries',
    });
    report.progress(describe(slow));
    report.measured({
      case: 'bulk-as-entries',
      ours: devices / slow.seconds,
      peer: devicesPerSecond(devices),
      unit: 'devices/s',
      target: { atLeast: 0.9 },
      note: `where a bulk call counts as many times as it has entries, beside what the throttle lets through at most. Of ${slow.calls} calls ${slow.refused} were refused with 429. Hub, budget and queue share a clock that leaps ahead whenever all of them only wait; what is computed and stored takes its time.`,
    });
  },
};

/** The most that the throttle lets be created of so many devices that come at once, on average. */
export function devicesPerSecond(count: number): number {
  const { identity } = throttleLimits(oneUnit.tier, oneUnit.units);
  return count / (Math.max(0, count - identity * burst) / identity);
}

/** What it took. */
interface Onboarding {
  readonly calls: number;
  readonly refused: number;
  /** By the hub's clock. */
  readonly seconds: number;
}

interface Premises {
  readonly hub: BenchHub;
  readonly clock: Clock;
  readonly storage: StorageAccount;
}

interface OnboardingOptions {
  readonly by: (premises: Premises) => Promise<void>;
  readonly caller: Caller;
  /** The hub's, and that of whoever calls it. */
  readonly clock: Clock;
  readonly bulkCost: 'call' | 'entries';
}

/** Has a fleet seen to, on a hub and a storage account of its own. Rejects when it then lacks a module. */
async function onboard({ by, caller, clock, bulkCost }: OnboardingOptions): Promise<Onboarding> {
  const azurite = await startAzurite();
  try {
    return await inBenchFolder(async (folder) => {
      const hub = await startBenchHub(folder, { throttle: { ...oneUnit, burst, bulkCost }, clock });
      try {
        const ids = Array.from({ length: devices }, (_, index) => `device-${index}`);
        for (const deviceId of ids) hub.registry.create({ deviceId }, {});
        const from = clock.now().getTime();
        await by({ hub, clock, storage: azurite.endpoints });
        const seconds = (clock.now().getTime() - from) / 1000;
        const without = ids.filter((deviceId) => hub.registry.listModules(deviceId).length !== 1);
        if (without.length > 0)
          throw new Error(`${without.length} devices still lack the module, as ${without[0]} does.`);
        const { total, byStatus } = await hub.callsOf(caller);
        return { calls: total, refused: byStatus['429'] ?? 0, seconds };
      } finally {
        await hub.close();
      }
    });
  } finally {
    await azurite.close();
  }
}

async function byScript({ hub, clock }: Premises): Promise<void> {
  const [policy] = toPolicySet([azureiotsecurity], { mode: 'enforce' }).all;
  if (policy === undefined) throw new Error('There is no policy whose module could be created.');
  await runScript({ hub, clock, moduleId: policy.module, tags: policy.moduleTags, desired: baselineOf(policy) });
}

function bySweep(report: Report) {
  return async ({ hub, clock, storage }: Premises): Promise<void> => {
    const app = createSweepingApp({
      hub,
      storage,
      definitions: [azureiotsecurity],
      budget: { ...oneUnit, share: 1 },
      partsAtOnce: 4,
      clock,
      onTrouble: (message) => report.progress(message),
    });
    const { changed, parts, partsDone, deferred } = await app.sweep();
    if (changed !== devices) throw new Error(`The history has ${changed} of ${devices} modules as created.`);
    report.progress(`${partsDone} of ${parts} parts done, ${deferred} devices deferred on the way`);
  };
}

function describe({ calls, refused, seconds }: Onboarding): string {
  return `${seconds.toFixed(0)} s, ${calls} calls, of which ${refused} were refused`;
}
