/** The blast radius of a local run: how many values a policy may overwrite in an hour. Pure. */
import { disturbanceCount } from './demo-plan.ts';

/** The live demo overwrites about one value every four seconds for each policy, so it reaches this limit after a minute or two. */
const liveLimit = 20;

/**
 * A disturbance overwrites one or two values. Calls that fail count again. A run reaches ten for each disturbance only when the app
 * overwrites the same values again and again, and then the summary names what was held back.
 */
const overwritesPerDisturbance = 10;

/** The limit of `--no-demo`. In practice this is no limit. */
export const noLimit = 100_000_000;

/** Values that a policy may overwrite in an hour in this run. */
export function overwriteLimit(run: {
  readonly demo: boolean;
  readonly once?: boolean;
  readonly devices: number;
}): number {
  if (!run.demo) return noLimit;
  return run.once === true ? overwritesPerDisturbance * disturbanceCount(run.devices) : liveLimit;
}
