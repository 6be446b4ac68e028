/**
 * Random numbers that are computed from a seed. The same seed gives the same numbers, so the demo disturbs the same fleet in the same way.
 */
export interface Random {
  /** A number that is at least 0 and below 1. */
  next(): number;
  /** A whole number that is at least 0 and below `limit`. */
  below(limit: number): number;
  /**
   * One random item of a list.
   * @throws {RangeError} If the list is empty.
   */
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * Makes a generator of random numbers. The seed is a whole number. The algorithm is mulberry32. It is small, and it is not safe for
 * cryptography.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick(items) {
      if (items.length === 0) throw new RangeError('Nothing to pick from: the list is empty.');
      return items[below(items.length)] as (typeof items)[number];
    },
    shuffle(items) {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]] as [never, never];
      }
      return shuffled;
    },
  };
}
