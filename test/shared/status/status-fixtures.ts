import { operationClasses } from '../../../shared/hub/index.ts';
import type { Facts } from '../../../shared/status/index.ts';

export const now = '2026-11-22T12:00:00.000Z';

/** The time that was this many minutes before {@link now}, ISO 8601. */
export const minutesAgo = (minutes: number) => new Date(Date.parse(now) - minutes * 60_000).toISOString();

const none = Object.fromEntries(operationClasses.map((operation) => [operation, 0])) as Facts['usage']['calls'];

/** The facts about an app that works: a sweep ended five minutes ago, an event came a minute ago, and nothing waits. */
export function wellFacts(more: Partial<Facts> = {}, usage: Partial<Facts['usage']> = {}): Facts {
  return {
    at: now,
    since: minutesAgo(10_000),
    rolledUpAt: minutesAgo(1),
    policies: [{ policy: 'agents', devices: 10, outOfLine: 0 }],
    fleet: { devices: 10, outOfLine: 0 },
    open: 0,
    heldBack: { blastRadius: 0, contested: 0, competing: 0, settling: 0, other: 0 },
    released: [],
    competingConfigurations: [],
    competing: [],
    missedByQueries: [],
    deadLetters: 0,
    deferred: 0,
    sweepEndedAt: minutesAgo(5),
    sweepActiveAt: minutesAgo(5),
    sweepDuration: 2000,
    usage: { calls: none, throttled: none, messagesToday: 0, lastEventAt: minutesAgo(1), ...usage },
    ...more,
  };
}
