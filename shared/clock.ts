/** The time and a way to sleep. Callers pass a clock in, so that tests run without waiting. */
export interface Clock {
  now(): Date;
  /** Resolves after the given number of milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
