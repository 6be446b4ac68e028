/** The blast radius of a local run: the number of values that a policy may overwrite in an hour. Pure functions. */
import { disturbanceCount } from './demo-plan.ts';

/**
 * The blast radius of the live demo. A policy overwrites about one value every four seconds, so it reaches this limit after a minute or
 * two.
 */
const liveLimit = 20;

/**
 * The blast radius of `--once`, for each disturbance. A disturbance causes one or two overwrites, and an overwrite whose call fails counts
 * again. A run reaches the limit only when the app overwrites the same values again and again. The summary then lists the drift whose
 * repair was held back.
 */
const overwritesPerDisturbance = 10;

/** The blast radius of `--no-demo`. It is so large that no run reaches it. */
export const noLimit = 100_000_000;

/** The number of values that a policy may overwrite in an hour in a run with these options. */
export function overwriteLimit(run: {
  readonly demo: boolean;
  readonly once?: boolean;
  readonly devices: number;
}): number {
  if (!run.demo) return noLimit;
  return run.once === true ? overwritesPerDisturbance * disturbanceCount(run.devices) : liveLimit;
}
