import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that runs `factor` times as fast as the clock `base`. With 60, an hour of this clock takes a minute. It shows the time of `base`
 * at first and is then ahead of it. Use it for durations, and not for the time of day. If two programs wait for each other, their clocks
 * need the same factor.
 * @throws {RangeError} If the factor is not a number above 0.
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
