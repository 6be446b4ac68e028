import type { Departure } from '../drift/index.ts';

/**
 * Has a say before anything is changed: which departures are not to be mended for now, and why. Those are recorded as `heldBack` and
 * wait. Asked once for each device, after the plan is made and before it is written ahead.
 */
export interface Guard {
  /** The departures held back, each with its reason; an empty map lets all through. */
  review(departures: readonly Departure[]): Promise<ReadonlyMap<Departure, string>>;
}

/** Lets everything through. */
export const noGuard: Guard = { review: async () => new Map() };
