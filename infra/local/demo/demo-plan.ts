/** All that a run with `--once` is going to do, decided beforehand by the seed. Pure. */
import type { Policy } from '../../../shared/policy/index.ts';
import { type InjectedDeparture, missingModules } from './departures.ts';
import { DISTURBANCE_KINDS, type Disturbance, type DisturbanceKind, disturb } from './disturbance.ts';
import { type DemoDevice, demoFleet } from './fleet.ts';
import { seededRandom } from './random.ts';

/** What happens to one device, in this order. */
export interface DevicePlan {
  readonly device: DemoDevice;
  /** What its arrival alone puts out of line. */
  readonly departures: readonly InjectedDeparture[];
  readonly disturbances: readonly Disturbance[];
  /** Whether it is deleted in the end. */
  readonly isDeleted: boolean;
}

/** The least number of disturbances of each kind that the policies leave room for. */
const leastOfEach = 2;

/**
 * A fleet of `count` devices and at least one disturbance a device, more where there are few devices, every kind in its turn. A device
 * is deleted last of all, and at most once.
 */
export function planDemo(seed: number, count: number, policies: readonly Policy[]): readonly DevicePlan[] {
  const random = seededRandom(seed);
  const fleet = demoFleet(count);
  const total = Math.max(count, leastOfEach * DISTURBANCE_KINDS.length);
  const kinds = random.shuffle(
    Array.from({ length: total }, (_, index) => DISTURBANCE_KINDS[index % DISTURBANCE_KINDS.length] as DisturbanceKind),
  );
  const order = random.shuffle(fleet);
  const byDevice = Map.groupBy(kinds.keys(), (index) => order[index % order.length]);
  return fleet.map((device) => {
    const chosen = [...(byDevice.get(device) ?? [])].map((index) => kinds[index] as DisturbanceKind);
    const isDeleted = chosen.includes('deviceDeleted');
    const before = chosen.filter((kind) => kind !== 'deviceDeleted');
    const disturbances = [...before, ...(isDeleted ? (['deviceDeleted'] as const) : [])].flatMap(
      // Where the policies leave no room for a kind, any wrong value will do.
      (kind) => disturb(kind, device, policies, random) ?? disturb('wrongValue', device, policies, random) ?? [],
    );
    return {
      device,
      departures: missingModules(policies, device),
      disturbances,
      isDeleted: disturbances.some(({ kind }) => kind === 'deviceDeleted'),
    };
  });
}
