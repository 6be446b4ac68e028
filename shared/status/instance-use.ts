import type { DayUsage } from './usage.ts';

/** What the other instances must know of one instance and one day (UTC): the messages that it took, and when it called the hub last. */
export interface InstanceUse extends Pick<DayUsage, 'day' | 'messages' | 'aliveAt' | 'quotaTakenAt' | 'quotaEndedAt'> {
  /** The name of the process. */
  readonly instance: string;
}

/** Milliseconds for which an instance counts as alive after the last sign of life that it stored. */
export const aliveTime = 90_000;

/** The number of instances other than `own` that are alive at this time. Pure. */
export function othersAlive(uses: readonly InstanceUse[], own: string, now: number): number {
  const alive = uses.filter(
    ({ instance, aliveAt }) => instance !== own && aliveAt !== undefined && now - Date.parse(aliveAt) < aliveTime,
  );
  return new Set(alive.map(({ instance }) => instance)).size;
}
