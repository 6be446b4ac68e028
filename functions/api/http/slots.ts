import { ApiProblem } from './problem.ts';

/** Slots for requests that need much storage or memory. A request takes a slot while it runs. */
export interface Slots {
  /**
   * Takes a slot. Returns the function that releases it. Only the first call of that function has an effect.
   *
   * @throws {ApiProblem} with status 429 when all slots are taken.
   */
  take(): () => void;
}

/** Milliseconds after which a slot is released anyway: the time-out of a function. A request can break off without any notice. */
const longestUse = 10 * 60_000;

/** Creates this number of slots. */
export function createSlots(count: number): Slots {
  let taken = 0;
  return {
    take() {
      if (taken >= count) {
        throw new ApiProblem(
          'tooMany',
          `This instance already answers ${count} large requests, such as exports. Try again when one has ended.`,
          { retryAfter: 10 },
        );
      }
      taken++;
      let isReleased = false;
      const release = () => {
        if (!isReleased) taken--;
        isReleased = true;
        clearTimeout(timer);
      };
      const timer = setTimeout(release, longestUse).unref();
      return release;
    },
  };
}
