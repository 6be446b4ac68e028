import type { Departure, DriftRow } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';

/** What a guard is asked about: the changes that are about to be made to one device. */
export interface Review {
  /** What those changes would mend. */
  readonly departures: readonly Departure[];
  /** The twins as they were read, by module id; a module that is missing has none. */
  readonly twins: ReadonlyMap<string, Twin>;
  /** The device's history of the last {@link guardedHistory} at least, whatever its outcome. */
  readonly rows: readonly DriftRow[];
}

/** How far back the history reaches that guards are shown, in milliseconds. */
export const guardedHistory = 75 * 60_000;

/**
 * Has a say before anything is changed: which departures are not to be mended for now, and why. Those are recorded as `heldBack` and
 * wait. Asked once for each device, after the plan is made and before it is written ahead, and only when there is something to change.
 */
export interface Guard {
  /** The departures held back, each with its reason; an empty map lets all through. */
  review(review: Review): Promise<ReadonlyMap<Departure, string>>;
}

/** Lets everything through. */
export const noGuard: Guard = { review: async () => new Map() };

/** All of these guards, in their order: each is asked about what those before it let through. */
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
  };
}
