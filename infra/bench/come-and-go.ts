import type { Clock } from '../../shared/clock.ts';

/** The calls of a fleet whose size changes, in whole seconds. */
export interface ComeAndGo {
  /** The number of calls in each second. */
  readonly calls: readonly number[];
  /** The seconds in which the size of the fleet changed. */
  readonly changes: readonly number[];
}

/** Seconds between two changes. */
const period = 240;
/** Seconds after a change until the calls of all instances must be within the share. */
const settlingTime = 60;

/**
 * Changes the size of a fleet every four minutes, and counts its calls meanwhile.
 *
 * @param sizes the number of instances, one after the other. `count` has the number of calls so far.
 */
export async function comeAndGo(
  clock: Clock,
  sizes: readonly number[],
  resize: (instances: number) => void,
  count: () => number,
): Promise<ComeAndGo> {
  const calls: number[] = [];
  const changes: number[] = [];
  const start = clock.now().getTime();
  let counted = count();
  for (const size of sizes) {
    resize(size);
    changes.push(calls.length);
    for (let second = 0; second < period; second++) {
      await clock.sleep(start + (calls.length + 1) * 1000 - clock.now().getTime());
      const now = count();
      calls.push(now - counted);
      counted = now;
    }
  }
  resize(0);
  return { calls, changes };
}

/** The largest rate between a minute after a change and the next change, in calls a second. Pure. */
export function largestSettledRate({ calls, changes }: ComeAndGo): number {
  return Math.max(...changes.map((change) => rateOf(calls.slice(change + settlingTime, change + period))));
}

/** The rate over the whole time, in calls a second. Pure. */
export function averageRate({ calls }: ComeAndGo): number {
  return rateOf(calls);
}

function rateOf(calls: readonly number[]): number {
  return calls.reduce((sum, each) => sum + each, 0) / Math.max(1, calls.length);
}
