/** Turns the health of the app into the grade and the texts of the strip. Pure functions. */
import type { HealthDetails, HealthProblem, HealthState } from '../../../api/health-answers.ts';
import { count, counted, duration } from '../markup/index.ts';

/** What the strip knows: the answer of the app, or the reason why there is none. */
export type KnownHealth =
  | { readonly answer: HealthDetails }
  /** `since`: when the app answered last, in milliseconds since 1970. Absent when it has never answered. */
  | { readonly failure: string; readonly since?: number };

/** The contents of the strip. */
export interface StripText {
  readonly grade: 'good' | 'warn' | 'bad' | 'plain';
  readonly badge: string;
  readonly line: string;
  readonly problems: readonly Pick<HealthProblem, 'severity' | 'sentence' | 'advice'>[];
}

export function describeHealth(known: KnownHealth | undefined, now: number): StripText {
  if (known === undefined)
    return { grade: 'plain', badge: 'Not known', line: 'Health is being checked.', problems: [] };
  if ('failure' in known) {
    const since = known.since === undefined ? '' : ` for ${duration(now - known.since)}`;
    return {
      grade: 'bad',
      badge: 'No answer',
      line: `The app has not told how it is${since}: ${known.failure}`,
      problems: [],
    };
  }
  const { status, problems = [], state } = known.answer;
  if (status === 'unknown') {
    const line = 'The health check is slow: the hub or the storage account answers slowly or not at all.';
    return { grade: 'plain', badge: 'Not known', line, problems: [] };
  }
  const worst = status === 'unhealthy' ? 'ill' : problems.find(({ severity }) => severity !== 'information')?.severity;
  const facts = state === undefined ? '' : describeState(state, now);
  if (worst === undefined) return { grade: 'good', badge: 'Works', line: facts, problems };
  return worst === 'ill'
    ? { grade: 'bad', badge: 'Does not work', line: facts, problems }
    : { grade: 'warn', badge: 'Works, needs attention', line: facts, problems };
}

function describeState(
  { mode, lastEventAt, lastSweepEndedAt, deferred, messagesUsed }: HealthState,
  now: number,
): string {
  const ago = (time: string) => `${roughly(now - Date.parse(time))} ago`;
  return [
    mode === 'audit' ? 'audit mode' : 'enforcing',
    lastEventAt === undefined ? 'no event yet' : `last event ${ago(lastEventAt)}`,
    lastSweepEndedAt === undefined ? 'no sweep yet' : `last sweep ${ago(lastSweepEndedAt)}`,
    ...(deferred > 0 ? [`${counted(deferred, 'device')} waiting for a retry`] : []),
    `${count(messagesUsed)} of the hub's messages used today`,
  ].join(' · ');
}

/** A duration in whole minutes, hours or days. The strip should not change with each look. */
function roughly(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 1) return 'less than a minute';
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
