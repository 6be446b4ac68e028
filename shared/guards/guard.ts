import type { Departure, DriftRow } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';

/** The changes that are about to be made to one device. */
export interface Review {
  /** The departures that the changes would mend. */
  readonly departures: readonly Departure[];
  /** The twins as they were read, by module id. A missing module has no entry. */
  readonly twins: ReadonlyMap<string, Twin>;
  /** The device's history rows of at least the last {@link guardedHistory}, with any outcome. */
  readonly rows: readonly DriftRow[];
}

/** Milliseconds of history that guards see at least. */
export const guardedHistory = 75 * 60_000;

/**
 * Decides which departures must not be mended now. Held-back departures are recorded as `heldBack`. Each round of a pass calls the guard
 * at most once, after planning and before the rows are written. Without changes, the guard is not called.
 */
export interface Guard {
  /** The departures that are held back, each with the reason. An empty map allows all changes. */
  review(review: Review): Promise<ReadonlyMap<Departure, string>>;
}

/** A guard that allows all changes. */
export const noGuard: Guard = { review: async () => new Map() };

/** One guard that asks several guards in order. Each guard sees only the departures that no earlier guard held back. */
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
