/** The devices of the demo. Pure. */
import type { Device } from '../../../shared/policy/index.ts';

/** How a device is created: in a bulk call or by a call of its own, before the disturbances or (late) during them. */
export type Arrival = 'bulk' | 'single' | 'lateBulk' | 'lateSingle';

export interface DemoDevice extends Device {
  readonly arrival: Arrival;
}

/** Together these names have every character that IoT Hub allows in an id besides letters and digits. */
const oddNames = ['pump#7?line=2', '100%-tank(a),b*', "o'brien@$gate:1!", 'a+b_c.d-%2F%23', '**=$@#?%'];
const plainNames = ['press', 'valve', 'furnace', 'conveyor', 'robot'];

const fleetTags = { environment: 'production', fleet: 'demo' };

/** The device with this index, from 0. Every fourth device has a name with special characters. */
export function demoDevice(index: number, arrival: Arrival): DemoDevice {
  const isOdd = index % 4 === 3;
  const names = isOdd ? oddNames : plainNames;
  const name = names[Math.floor(isOdd ? index / 4 : index) % names.length];
  return { deviceId: `${name}-${String(index + 1).padStart(4, '0')}`, tags: fleetTags, edge: false, arrival };
}

/** A fleet of `count` devices. Seven of ten are created in bulk, and two of ten are late. */
export function demoFleet(count: number): readonly DemoDevice[] {
  const arrivals: readonly Arrival[] = [
    ...(['bulk', 'bulk', 'single', 'bulk', 'lateSingle'] as const),
    ...(['bulk', 'bulk', 'single', 'lateBulk', 'bulk'] as const),
  ];
  return Array.from({ length: count }, (_, index) => demoDevice(index, arrivals[index % arrivals.length] ?? 'bulk'));
}
