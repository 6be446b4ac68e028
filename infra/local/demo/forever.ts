/** The demo without `--once`: disturbs the fleet about once a second until the run is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { demoPolicies } from './demo-policies.ts';
import { DISTURBANCE_KINDS, disturb } from './disturbance.ts';
import { type DemoDevice, demoDevice, demoFleet } from './fleet.ts';
import { isNotFound, Operator } from './operator.ts';
import { seededRandom } from './random.ts';

/** Mean pause between two disturbances in milliseconds. A single pause takes between half and one and a half times as long. */
const interval = 1_000;
/** Milliseconds between the creation of the fleet and the first disturbance. In this time the user can see how the modules are created. */
const firstDelay = 4_000;

/**
 * Creates the fleet, and disturbs it until `signal` is aborted. When a device is deleted, a new device replaces it. Rejects when a call to
 * the hub fails, unless the hub answers that a device or module does not exist.
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
    const index = random.below(fleet.length);
    const device = fleet[index];
    const disturbance = device && disturb(random.pick(DISTURBANCE_KINDS), device, policies, random);
    if (disturbance !== undefined) {
      await operator.carryOut(disturbance).catch((error: unknown) => {
        // The module does not exist, because an earlier disturbance deleted it and it is not created again yet. This is no error.
        if (!isNotFound(error)) throw error;
      });
      if (disturbance.kind === 'deviceDeleted') {
        await operator.remove(disturbance.deviceId);
        fleet[index] = demoDevice(created++, 'lateSingle');
        await operator.create(fleet[index]);
      }
    }
    await pause(interval * (0.5 + random.next()), signal);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
