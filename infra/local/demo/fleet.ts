/** The devices of the demo. Pure functions. */
import type { Device } from '../../../shared/policy/index.ts';

/**
 * How and when the demo creates a device: in a bulk call (`bulk`) or alone (`single`), and before the disturbances begin or during them
 * (`late…`).
 */
export type Arrival = 'bulk' | 'single' | 'lateBulk' | 'lateSingle';

export interface DemoDevice extends Device {
  readonly arrival: Arrival;
}

/** Device names with special characters. Together they have all characters, besides letters and digits, that IoT Hub allows in an id. */
const oddNames = ['pump#7?line=2', '100%-tank(a),b*', "o'brien@$gate:1!", 'a+b_c.d-%2F%23', '**=$@#?%'];
const plainNames = ['press', 'valve', 'furnace', 'conveyor', 'robot'];

const fleetTags = { environment: 'production', fleet: 'demo' };

/** The demo device with this index. The first index is 0. Every fourth device has a name with special characters. */
export function demoDevice(index: number, arrival: Arrival): DemoDevice {
  const isOdd = index % 4 === 3;
  const names = isOdd ? oddNames : plainNames;
  const name = names[Math.floor(isOdd ? index / 4 : index) % names.length];
  return { deviceId: `${name}-${String(index + 1).padStart(4, '0')}`, tags: fleetTags, edge: false, arrival };
}

/**
 * A fleet of `count` devices. Of ten devices, seven are created in bulk calls, and two are created while other devices are already
 * disturbed.
 */
export function demoFleet(count: number): readonly DemoDevice[] {
  const arrivals: readonly Arrival[] = [
    ...(['bulk', 'bulk', 'single', 'bulk', 'lateSingle'] as const),
    ...(['bulk', 'bulk', 'single', 'lateBulk', 'bulk'] as const),
  ];
  return Array.from({ length: count }, (_, index) => demoDevice(index, arrivals[index % arrivals.length] ?? 'bulk'));
}
