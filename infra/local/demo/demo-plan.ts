/** The plan of a run with `--once`. The seed determines the whole plan before the run begins. Pure functions. */

import type { Policy } from '../../../shared/policy/index.ts';
import { CONTEST_KINDS, type Contest, planContest } from './contest.ts';
import { type InjectedDeparture, missingModules } from './departures.ts';
import { DISTURBANCE_KINDS, type Disturbance, type DisturbanceKind, disturb } from './disturbance.ts';
import { type DemoDevice, demoFleet } from './fleet.ts';
import { seededRandom } from './random.ts';

/** The plan for one device: the device is created, and then its disturbances happen in the order of the list. */
export interface DevicePlan {
  readonly device: DemoDevice;
  /** The departures from policies of the new device: its modules are missing. */
  readonly departures: readonly InjectedDeparture[];
  readonly disturbances: readonly Disturbance[];
  /** The contest about this device. A device with a contest has no other disturbances. */
  readonly contest?: Contest;
  /** Whether the last disturbance deletes the device. */
  readonly isDeleted: boolean;
}

/** Smallest number of disturbances of each kind in a run. */
const leastOfEach = 2;

/** Number of contests of each kind in a run. A run with few devices has fewer, because at most half of the devices have one. */
const contestsOfEach = 2;

/**
 * Number of disturbances in a run with this many devices: one for each device. A run with few devices has more, so that every kind occurs.
 */
function disturbanceCount(devices: number): number {
  return Math.max(devices, leastOfEach * DISTURBANCE_KINDS.length);
}

/**
 * Plans a fleet of `count` devices and its disturbances. All kinds of disturbance occur about equally often. A device is deleted at most
 * once, and its deletion is its last disturbance.
 */
export function planDemo(seed: number, count: number, policies: readonly Policy[]): readonly DevicePlan[] {
  const random = seededRandom(seed);
  const fleet = demoFleet(count);
  const kinds = random.shuffle(
    Array.from(
      { length: disturbanceCount(count) },
      (_, index) => DISTURBANCE_KINDS[index % DISTURBANCE_KINDS.length] as DisturbanceKind,
    ),
  );
  const shuffled = random.shuffle(fleet);
  const contestKinds = Array.from({ length: contestsOfEach }, () => CONTEST_KINDS)
    .flat()
    .slice(0, Math.floor(count / 2));
  const contests = new Map(
    contestKinds.map((kind, index) => {
      const device = shuffled[index] as DemoDevice;
      return [device, planContest(kind, device, policies, random)] as const;
    }),
  );
  // A device whose policies have nothing to contest is disturbed like the others.
  const order = shuffled.filter((device) => contests.get(device) === undefined);
  const byDevice = Map.groupBy(kinds.keys(), (index) => order[index % order.length]);
  return fleet.map((device) => {
    const chosen = [...(byDevice.get(device) ?? [])].map((index) => kinds[index] as DisturbanceKind);
    const isDeleted = chosen.includes('deviceDeleted');
    const before = chosen.filter((kind) => kind !== 'deviceDeleted');
    const disturbances = [...before, ...(isDeleted ? (['deviceDeleted'] as const) : [])].flatMap(
      // If the policies have no property for a kind of disturbance, the plan has the disturbance `wrongValue` instead.
      (kind) => disturb(kind, device, policies, random) ?? disturb('wrongValue', device, policies, random) ?? [],
    );
    const contest = contests.get(device);
    return {
      device,
      departures: missingModules(policies, device),
      disturbances,
      ...(contest === undefined ? {} : { contest }),
      isDeleted: disturbances.some(({ kind }) => kind === 'deviceDeleted'),
    };
  });
}
