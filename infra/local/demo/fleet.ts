/** The devices of the demo. */
import type { Device } from '../../../shared/policy/index.ts';

/** How a device comes to the hub: with others in one bulk call, or by itself; in the beginning, or while others are disturbed. */
export type Arrival = 'bulk' | 'single' | 'lateBulk' | 'lateSingle';

export interface DemoDevice extends Device {
  readonly arrival: Arrival;
}

/** Between them, every character that IoT Hub allows in an id besides letters and digits. */
const oddNames = ['pump#7?line=2', '100%-tank(a),b*', "o'brien@$gate:1!", 'a+b_c.d-%2F%23', '**=$@#?%'];
const plainNames = ['press', 'valve', 'furnace', 'conveyor', 'robot'];

const fleetTags = { environment: 'production', fleet: 'demo' };

/** The device with this number, counted from 0. Every fourth has an odd name. */
export function demoDevice(index: number, arrival: Arrival): DemoDevice {
  const odd = index % 4 === 3;
  const names = odd ? oddNames : plainNames;
  const name = names[Math.floor(odd ? index / 4 : index) % names.length];
  return { deviceId: `${name}-${String(index + 1).padStart(4, '0')}`, tags: fleetTags, edge: false, arrival };
}

/** A fleet of `count` devices, of which seven in ten come in bulk, and one in ten late. */
export function demoFleet(count: number): readonly DemoDevice[] {
  const arrivals: readonly Arrival[] = [
    ...(['bulk', 'bulk', 'single', 'bulk', 'lateSingle'] as const),
    ...(['bulk', 'bulk', 'single', 'lateBulk', 'bulk'] as const),
  ];
  return Array.from({ length: count }, (_, index) => demoDevice(index, arrivals[index % arrivals.length] ?? 'bulk'));
}
