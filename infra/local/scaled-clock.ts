import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that runs `factor` times as fast as `base`: with 60, its hour takes a minute. It starts at the base's time and then runs ahead,
 * so it measures durations and not the time of day. Two programs that wait for each other need clocks with the same factor.
 * @throws {RangeError} When the factor is not a number above 0.
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
