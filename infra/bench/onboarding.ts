import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import type { Clock } from '../../shared/clock.ts';
import { connectToHub } from '../../shared/hub/index.ts';
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
import { runVendorScript } from './onboarding-script.ts';
import { createSweepingApp } from './sweeping-app.ts';

const devices = 10_000;
const oneUnit = { tier: 'S1', units: 1 } as const;
/**
 * Size of the burst that the hub accepts after a quiet time, in seconds of its limit. 60 means as many calls as the limit allows in 60 s.
 */
const burst = 60;

/** Measures the first sweep after a deployment. This sweep creates the module on every device of a fleet. */
export const onboarding: Bench = {
  name: 'onboarding',
  description: `${devices.toLocaleString('en')} devices without a module on one throttled S1 unit, compared with the vendor's script`,
  async run(report) {
    report.progress(`the vendor's script, ${2 * devices} calls in sequence`);
    const script = await onboard({ createModules: byScript, caller: ownerPolicy, clock: new SkippingClock() });
    report.progress(`${describe(script)}. Next: a sweep with bulk calls`);
    const ours = await onboard({
      createModules: bySweep(report),
      caller: twinkeeperPolicy,
      clock: new LeapingClock(),
    });
    report.progress(describe(ours));
    report.measured({
      case: 'calls',
      ours: ours.calls,
      peer: script.calls,
      unit: 'hub calls',
      target: { atMost: 1 / 50 },
      note: `hub calls of one sweep, compared with the vendor's script: a query, then a PUT and a PATCH for each device in sequence. Calls refused with 429 and repeated: ${ours.refused} and ${script.refused}.`,
    });
    report.measured({
      case: 'rate',
      ours: devices / ours.seconds,
      peer: devicesPerSecond(devices),
      unit: 'devices/s',
      target: { atLeast: 0.9 },
      note: `devices per second, compared with the limit of the throttle: the hub counts each entry of a bulk call as one operation. ${ours.refused} of ${ours.calls} calls were refused with 429. Hub, budget and queue share a clock that skips idle waits. Computing and storage take real time.`,
    });
    report.measured({
      case: 'time',
      ours: ours.seconds,
      peer: script.seconds,
      unit: 's',
      target: { atMost: 1.1 },
      note: 'duration. Both are bound by the throttle of the hub. When the script waits for the throttle, the wait is added to its time and skipped.',
    });
  },
};

/** The highest average rate at which the hub's throttle allows a module to be created on each of `count` devices, in devices per second. */
export function devicesPerSecond(count: number): number {
  const { identity } = throttleLimits(oneUnit.tier, oneUnit.units);
  return count / (Math.max(0, count - identity * burst) / identity);
}

/** The hub calls and the time that it takes to create the module on every device. */
interface OnboardingCost {
  readonly calls: number;
  readonly refused: number;
  /** Duration in seconds, measured with the hub's clock. */
  readonly seconds: number;
}

interface OnboardingSetup {
  readonly hub: BenchHub;
  readonly clock: Clock;
  readonly storage: StorageAccount;
}

interface OnboardingOptions {
  /** Creates the module on every device. */
  readonly createModules: (setup: OnboardingSetup) => Promise<void>;
  readonly caller: Caller;
  /** The clock that the hub and its client use. */
  readonly clock: Clock;
}

/** Creates the module on every device of a new hub with a new storage account. Rejects if a device lacks the module afterwards. */
async function onboard({ createModules, caller, clock }: OnboardingOptions): Promise<OnboardingCost> {
  const azurite = await startAzurite();
  try {
    return await inBenchFolder(async (folder) => {
      const hub = await startBenchHub(folder, { throttle: { ...oneUnit, burst }, clock });
      try {
        const ids = Array.from({ length: devices }, (_, index) => `device-${index}`);
        for (const deviceId of ids) hub.registry.create({ deviceId }, {});
        const from = clock.now().getTime();
        await createModules({ hub, clock, storage: azurite.endpoints });
        const seconds = (clock.now().getTime() - from) / 1000;
        const without = ids.filter((deviceId) => hub.registry.listModules(deviceId).length !== 1);
        if (without.length > 0)
          throw new Error(`${without.length} devices still lack the module, for example ${without[0]}.`);
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

async function byScript({ hub, clock }: OnboardingSetup): Promise<void> {
  const [policy] = toPolicySet([azureiotsecurity], { mode: 'enforce' }).all;
  if (policy === undefined) throw new Error('The policy set is empty, so there is no module to create.');
  await runVendorScript({ hub, clock, moduleId: policy.module, tags: policy.moduleTags, desired: baselineOf(policy) });
}

function bySweep(report: Report) {
  return async ({ hub, clock, storage }: OnboardingSetup): Promise<void> => {
    const app = createSweepingApp({
      hub: connectToHub(hub.addressFor('twinkeeper'), {
        ca: hub.ca,
        budget: { ...oneUnit, share: 1, messageShare: 1 },
        clock,
      }),
      storage,
      definitions: [azureiotsecurity],
      concurrency: 4,
      clock,
      onTrouble: (message) => report.progress(message),
    });
    const { changed, parts, partsDone, deferred } = await app.sweep();
    if (changed !== devices) throw new Error(`The sweep created ${changed} of ${devices} modules.`);
    report.progress(`${partsDone} of ${parts} parts done, ${deferred} devices deferred`);
  };
}

function describe({ calls, refused, seconds }: OnboardingCost): string {
  return `${seconds.toFixed(0)} s, ${calls} calls, ${refused} of them refused`;
}
