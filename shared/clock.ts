/**
 * Reads the time and waits. A function that needs the time receives a clock as an argument. A test passes a clock that does not really
 * wait.
 */
export interface Clock {
  now(): Date;
  /** Waits: the returned promise resolves after the given number of milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** The clock of the computer, with real timers. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
