import type { Bench } from './bench.ts';
import { crowd } from './crowd.ts';
import { events } from './events.ts';
import { history } from './history.ts';
import { load } from './load.ts';
import { memory } from './memory.ts';
import { needle } from './needle.ts';
import { onboarding } from './onboarding.ts';
import { steady } from './steady.ts';

/** Everything that `npm run bench` measures, in this order. */
export const benches: readonly Bench[] = [events, load, memory, steady, needle, onboarding, crowd, history];

/**
 * The benches of these names in the order of the list, each once; all when none is named.
 * @throws One line with every unknown name and the names that there are.
 */
export function chooseBenches(names: readonly string[], from: readonly Bench[] = benches): readonly Bench[] {
  const unknown = names.filter((name) => from.every((bench) => bench.name !== name));
  if (unknown.length > 0) {
    const shown = unknown.map((name) => JSON.stringify(name)).join(', ');
    throw new Error(`There is no bench ${shown}; there are ${from.map(({ name }) => name).join(', ')}.`);
  }
  return names.length === 0 ? from : from.filter(({ name }) => names.includes(name));
}
