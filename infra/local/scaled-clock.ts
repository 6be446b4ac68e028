import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that runs `factor` times as fast as `base`: at 60, an hour of it takes a minute. Whoever waits for another by it must have one
 * of the same factor. It starts at the base's time and from then on runs ahead of it: good for how long things take, not for what
 * the calendar says.
 * @throws {RangeError} unless the factor is a number above 0.
 */
export function scaledClock(factor: number, base: Clock = systemClock): Clock {
  if (!(Number.isFinite(factor) && factor > 0)) {
    throw new RangeError(`A time scale must be a number above 0, such as 60 for a minute in a second, not ${factor}.`);
  }
  const start = base.now().getTime();
  return {
    now: () => new Date(start + (base.now().getTime() - start) * factor),
    sleep: (milliseconds) => base.sleep(milliseconds / factor),
  };
}
