import type { Bench } from './bench.ts';
import { crowd } from './crowd.ts';
import { events } from './events.ts';
import { history } from './history.ts';
import { instances } from './instances.ts';
import { load } from './load.ts';
import { memory } from './memory.ts';
import { million } from './million.ts';
import { needle } from './needle.ts';
import { onboarding } from './onboarding.ts';
import { steady } from './steady.ts';

/** All benches of `npm run bench`, in the order in which they run. */
export const benches: readonly Bench[] = [
  events,
  load,
  memory,
  steady,
  needle,
  onboarding,
  crowd,
  history,
  instances,
  million,
];

/**
 * The benches with these names, each once, in the order of the list of benches. Without names: all benches.
 * @throws {Error} If a name is unknown. The message has every unknown name and all known names.
 */
export function chooseBenches(names: readonly string[], from: readonly Bench[] = benches): readonly Bench[] {
  const unknown = names.filter((name) => from.every((bench) => bench.name !== name));
  if (unknown.length > 0) {
    const quoted = unknown.map((name) => JSON.stringify(name)).join(', ');
    throw new Error(`There is no bench ${quoted}. The benches are ${from.map(({ name }) => name).join(', ')}.`);
  }
  return names.length === 0 ? from : from.filter(({ name }) => names.includes(name));
}
