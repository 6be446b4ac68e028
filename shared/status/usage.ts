import { type OperationClass, operationClasses } from '../hub/index.ts';

/** The number of calls, and how many of them the hub throttled. */
export type CallCounts = readonly [calls: number, throttled: number];

/** The use of the hub by one process on one day (UTC). Times are ISO 8601. */
export interface DayUsage {
  /** The day, such as `2026-11-22`. */
  readonly day: string;
  /** The calls in each of the last {@link keptMinutes} minutes, by minutes since 1970 and by class of operations. */
  readonly minutes: Readonly<Record<string, Readonly<Partial<Record<OperationClass, CallCounts>>>>>;
  /** The messages that the calls took from the hub's quota of the day. */
  readonly messages: number;
  /** When the process called the hub last. Tells how many instances divide the app's share of the throttles. */
  readonly aliveAt?: string;
  /** When a call took messages from the hub's quota last. */
  readonly quotaTakenAt?: string;
  /** When the hub refused a call last because its own quota of the day was used up. */
  readonly quotaEndedAt?: string;
  /** When events of the hub arrived last. */
  readonly lastEventAt?: string;
  /** When the hub carried out a change last: a patch, or the creation of modules. The hub reports each change as an event. */
  readonly lastChangeAt?: string;
  /** When the hub answered last. */
  readonly lastAnswerAt?: string;
  /** When a call failed last because the hub did not answer, or refused the app. */
  readonly lastFailureAt?: string;
  /** The message of the last failure. */
  readonly failure?: string;
}

/** Number of minutes whose calls a process stores. Longer than the window of a status, because a status may be late. */
export const keptMinutes = 15;

/** Number of whole minutes that a status counts calls in. */
const windowMinutes = 5;

/** Milliseconds after which each process has stored its calls. The window of a status ends this long ago. */
const storeDelay = 60_000;

/** The use of the hub by all processes of the app. */
export interface Usage {
  /** The calls in five whole minutes. The window ends with the last minute that every process has stored. */
  readonly calls: Readonly<Record<OperationClass, number>>;
  /** The calls in the same window that the hub answered with 429. */
  readonly throttled: Readonly<Record<OperationClass, number>>;
  /** The messages that the app took from the hub's quota today (UTC). */
  readonly messagesToday: number;
  readonly quotaTakenAt?: string;
  readonly quotaEndedAt?: string;
  readonly lastEventAt?: string;
  readonly lastChangeAt?: string;
  readonly lastAnswerAt?: string;
  readonly lastFailureAt?: string;
  readonly failure?: string;
}

/** Adds the use of all processes. `days` has the days that overlap the window, and today. Pure. */
export function sumUsage(days: readonly DayUsage[], now: Date): Usage {
  const end = Math.floor((now.getTime() - storeDelay) / 60_000);
  const calls = zeroes();
  const throttled = zeroes();
  for (const { minutes } of days) {
    for (const [minute, byClass] of Object.entries(minutes)) {
      if (Number(minute) < end - windowMinutes || Number(minute) >= end) continue;
      for (const operation of operationClasses) {
        const [called, refused] = byClass[operation] ?? [0, 0];
        calls[operation] += called;
        throttled[operation] += refused;
      }
    }
  }
  const today = dayOf(now);
  const failed = days.reduce<DayUsage | undefined>(
    (last, day) => ((day.lastFailureAt ?? '') > (last?.lastFailureAt ?? '') ? day : last),
    undefined,
  );
  return {
    calls,
    throttled,
    messagesToday: days.reduce((sum, { day, messages }) => sum + (day === today ? messages : 0), 0),
    ...latest(days, 'quotaTakenAt'),
    ...latest(days, 'quotaEndedAt'),
    ...latest(days, 'lastEventAt'),
    ...latest(days, 'lastChangeAt'),
    ...latest(days, 'lastAnswerAt'),
    ...latest(days, 'lastFailureAt'),
    ...(failed?.failure === undefined ? {} : { failure: failed.failure }),
  };
}

/** The day of a time in UTC, such as `2026-11-22`. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

type TimeField = 'quotaTakenAt' | 'quotaEndedAt' | 'lastEventAt' | 'lastChangeAt' | 'lastAnswerAt' | 'lastFailureAt';

function latest(days: readonly DayUsage[], field: TimeField): Partial<Record<TimeField, string>> {
  const last = days.reduce((latestSoFar, day) => {
    const at = day[field] ?? '';
    return at > latestSoFar ? at : latestSoFar;
  }, '');
  return last === '' ? {} : { [field]: last };
}

function zeroes(): Record<OperationClass, number> {
  return Object.fromEntries(operationClasses.map((operation) => [operation, 0])) as Record<OperationClass, number>;
}
