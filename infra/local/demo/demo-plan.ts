/** The plan of a run with `--once`. The seed decides all of it before the run begins. Pure. */
import type { Policy } from '../../../shared/policy/index.ts';
import { type InjectedDeparture, missingModules } from './departures.ts';
import { DISTURBANCE_KINDS, type Disturbance, type DisturbanceKind, disturb } from './disturbance.ts';
import { type DemoDevice, demoFleet } from './fleet.ts';
import { seededRandom } from './random.ts';

/** What the demo does to one device, in this order. */
export interface DevicePlan {
  readonly device: DemoDevice;
  /** The departures of a new device: its modules are missing. */
  readonly departures: readonly InjectedDeparture[];
  readonly disturbances: readonly Disturbance[];
  /** Whether the last disturbance deletes the device. */
  readonly isDeleted: boolean;
}

/** Each kind of disturbance occurs at least this often. */
const leastOfEach = 2;

/** How many disturbances a run with this many devices makes: one for each device, more where there are few devices. */
export function disturbanceCount(devices: number): number {
  return Math.max(devices, leastOfEach * DISTURBANCE_KINDS.length);
}

/** Plans a fleet of `count` devices and its disturbances, of every kind in turn. A device is deleted at most once, after all else. */
export function planDemo(seed: number, count: number, policies: readonly Policy[]): readonly DevicePlan[] {
  const random = seededRandom(seed);
  const fleet = demoFleet(count);
  const kinds = random.shuffle(
    Array.from(
      { length: disturbanceCount(count) },
      (_, index) => DISTURBANCE_KINDS[index % DISTURBANCE_KINDS.length] as DisturbanceKind,
    ),
  );
  const order = random.shuffle(fleet);
  const byDevice = Map.groupBy(kinds.keys(), (index) => order[index % order.length]);
  return fleet.map((device) => {
    const chosen = [...(byDevice.get(device) ?? [])].map((index) => kinds[index] as DisturbanceKind);
    const isDeleted = chosen.includes('deviceDeleted');
    const before = chosen.filter((kind) => kind !== 'deviceDeleted');
    const disturbances = [...before, ...(isDeleted ? (['deviceDeleted'] as const) : [])].flatMap(
      // Where the policies have no property for a kind, a wrong value takes its place.
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
