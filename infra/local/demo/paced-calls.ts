import pThrottle from 'p-throttle';
import type { ThrottleOptions } from '../hub/throttle.ts';
import { type ThrottleName, throttleLimits } from '../hub/throttle-limits.ts';

/** The part of a throttled hub that the demo uses. Twinkeeper uses half, and some room is left. */
const share = 0.4;

const minute = 60_000;

/** Milliseconds until the next attempt of a refused call, where the hub does not say how long to wait. */
const refusedDelay = 1_000;

/** Makes a call of one class of operations when there is room for it. */
export type PacedCalls = <T>(name: ThrottleName, call: () => Promise<T>) => Promise<T>;

/**
 * Makes the demo's calls within a part of the hub's throttles, as a careful operator does, and repeats a call that the hub refuses with 429.
 * Without `throttle`, the hub has no limits.
 */
export function pacedCalls(throttle: Pick<ThrottleOptions, 'tier' | 'units'> | undefined): PacedCalls {
  if (throttle === undefined) return (_, call) => call();
  const limits = throttleLimits(throttle.tier, throttle.units);
  const turns = new Map<ThrottleName, () => Promise<void>>();
  const turnOf = (name: ThrottleName) => {
    const known = turns.get(name);
    if (known !== undefined) return known;
    // One call at a time in equal intervals: a burst of the demo would take the burst that the hub grants to Twinkeeper.
    const interval = 1000 / (limits[name] * share);
    const turn = pThrottle({ limit: interval < 20 ? Math.ceil(20 / interval) : 1, interval: Math.max(20, interval) })(
      async () => {},
    );
    turns.set(name, turn);
    return turn;
  };
  return async (name, call) => {
    for (;;) {
      await turnOf(name)();
      try {
        return await call();
      } catch (error) {
        const { response } = error as { readonly response?: { statusCode?: number; headers?: Record<string, string> } };
        if (response?.statusCode !== 429) throw error;
        const seconds = Number(response.headers?.['retry-after'] ?? Number.NaN);
        await new Promise((resolve) => setTimeout(resolve, Number.isFinite(seconds) ? seconds * 1000 : refusedDelay));
      }
    }
  };
}

/**
 * Milliseconds that the creation of this many modules takes in a throttled hub, when Twinkeeper uses half of its throttle. Without `throttle`, 0.
 */
export function creationTime(throttle: Pick<ThrottleOptions, 'tier' | 'units'> | undefined, modules: number): number {
  return throttle === undefined
    ? 0
    : (modules / (throttleLimits(throttle.tier, throttle.units).identity * 30)) * minute;
}
