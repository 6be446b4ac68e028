/** The demo without `--once`: a fleet that is disturbed about every second, for as long as anybody watches. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { demoPolicies } from './demo-policies.ts';
import { DISTURBANCE_KINDS, disturb } from './disturbance.ts';
import { type DemoDevice, demoDevice, demoFleet } from './fleet.ts';
import { isNotFound, Operator } from './operator.ts';
import { seededRandom } from './random.ts';

/** Between two disturbances, in milliseconds: from half of it to one and a half. */
const interval = 1_000;
/** Before the first one, so that the modules' creation can be watched. */
const firstDelay = 4_000;

/**
 * Creates the fleet and disturbs it until the signal says stop. A device that was deleted is replaced by a new one. Rejects when the hub
 * cannot be called any more.
 */
export async function disturbForever(
  endpoints: SystemEndpoints,
  { devices, seed, signal }: { readonly devices: number; readonly seed: number; readonly signal: AbortSignal },
): Promise<void> {
  const policies = demoPolicies();
  const random = seededRandom(seed);
  const operator = await Operator.connect(endpoints);
  const fleet: DemoDevice[] = [...demoFleet(devices)];
  const isBulk = ({ arrival }: DemoDevice) => arrival === 'bulk' || arrival === 'lateBulk';
  await operator.createInBulk(fleet.filter(isBulk));
  for (const device of fleet.filter((one) => !isBulk(one))) await operator.create(device);
  await pause(firstDelay, signal);

  for (let created = devices; !signal.aborted; ) {
    const place = random.below(fleet.length);
    const device = fleet[place];
    const disturbance = device && disturb(random.pick(DISTURBANCE_KINDS), device, policies, random);
    if (disturbance !== undefined) {
      await operator.carryOut(disturbance).catch((error: unknown) => {
        // Nobody waited until the device had its modules back.
        if (!isNotFound(error)) throw error;
      });
      if (disturbance.kind === 'deviceDeleted') {
        await operator.remove(disturbance.deviceId);
        fleet[place] = demoDevice(created++, 'lateSingle');
        await operator.create(fleet[place]);
      }
    }
    await pause(interval * (0.5 + random.next()), signal);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
