/**
 * The largest blast radius of the live demo, in twins an hour. A policy changes about one twin every four seconds, so the policy reaches the
 * limit after a minute or two.
 */
const liveLimit = 20;
/** The share of the demo's devices that a policy may change in an hour, in the live demo. */
const liveShare = 0.5;

/** The blast radius of `--no-demo`, in twins an hour. It is so large that no run reaches it. */
export const noLimit = 100_000_000;

/** The number of twins that a policy may change in an hour, in a run with these options. Pure. */
export function demoBlastRadius(run: {
  readonly demo: boolean;
  readonly once?: boolean;
  readonly devices: number;
}): number {
  if (!run.demo) return noLimit;
  // A twin counts once an hour, and a policy has at most one twin on each device. `--once` therefore never reaches its limit.
  if (run.once === true) return run.devices;
  return Math.min(liveLimit, Math.ceil(liveShare * run.devices));
}
