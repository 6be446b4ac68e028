import type { Departure, DriftRow } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';
import type { HeldRow } from './held-row.ts';

/** The changes that a pass is about to make to one device. A guard decides which of them to hold back. */
export interface Review {
  /** The departures from policies that the changes would repair. */
  readonly departures: readonly Departure[];
  /** The twins that the pass read, by module id. A missing module has no entry. */
  readonly twins: ReadonlyMap<string, Twin>;
  /** The device's history rows of at least the last {@link guardedHistory} milliseconds, with any outcome. */
  readonly rows: readonly DriftRow[];
  /**
   * Reads the device twin. Costs a call of the hub, unless the pass has read the twin already. `undefined` when the device does not exist.
   * Throws when the hub does not answer. Absent when the caller cannot read the device twin.
   */
  readonly readDeviceTwin?: () => Promise<Twin | undefined>;
}

/**
 * The minimum length of the device's history that a guard gets, in milliseconds. A guard counts the repairs of one hour, and then holds
 * repairs back for another hour. Ten more minutes are for the time from a write to its repair.
 */
export const guardedHistory = 130 * 60_000;

/**
 * Decides which repairs to hold back. The rows of held-back repairs get the outcome `heldBack`. Each round of a pass calls the guard at
 * most once, after the plan is made and before the rows are written. A round without repairs does not call the guard.
 */
export interface Guard {
  /** Returns the departures whose repair is held back, each with the reason. An empty map allows all repairs. */
  review(review: Review): Promise<ReadonlyMap<Departure, string>>;
  /**
   * Returns the rows whose repair `review` would hold back again, as long as their twins do not change. A sweep does not read these twins.
   * When the limit of a policy now allows some of the twins, the rows of these twins are not returned. Counts nothing. Throws when storage
   * does not answer.
   */
  stillHeld(rows: readonly HeldRow[]): Promise<ReadonlySet<HeldRow>>;
}

/** A guard that never holds a repair back. */
export const noGuard: Guard = { review: async () => new Map(), stillHeld: async () => new Set() };

/**
 * Combines several guards into one guard, which calls the guards in order. Each guard gets only the departures that no earlier guard held
 * back.
 */
export function combineGuards(guards: readonly Guard[]): Guard {
  return {
    async review(review) {
      const held = new Map<Departure, string>();
      for (const guard of guards) {
        const departures = review.departures.filter((departure) => !held.has(departure));
        if (departures.length === 0) break;
        for (const [departure, reason] of await guard.review({ ...review, departures })) held.set(departure, reason);
      }
      return held;
    },
    async stillHeld(rows) {
      // Each guard recognises its own reasons, so at most one guard returns a row.
      const held = await Promise.all(guards.map((guard) => guard.stillHeld(rows)));
      return new Set(held.flatMap((each) => [...each]));
    },
  };
}
