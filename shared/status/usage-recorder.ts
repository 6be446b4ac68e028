import type { MeteredCall } from '../hub/index.ts';
import { type Pace, paced } from '../paced.ts';
import { type CallCounts, type DayUsage, dayOf, keptMinutes } from './usage.ts';

export interface UsageRecorderOptions extends Pick<Pace, 'now' | 'later'> {
  /** Stores the use of one day. Replaces what this process stored for the day before. */
  readonly store: (usage: DayUsage) => Promise<void>;
}

/** Minimum time between two writes of one process, in milliseconds. */
const writeInterval = 60_000;

/**
 * Counts the use of the hub in one process, and stores it: at most once a minute, and only after something has changed. The counts are in
 * memory. A process that is killed loses at most the last minute.
 */
export class UsageRecorder {
  readonly #options: UsageRecorderOptions;
  /** The days that are not stored completely, and the last two days, in the order of their first use. */
  #days: { usage: DayUsage; isChanged: boolean }[] = [];
  readonly #write: () => Promise<void>;

  constructor(options: UsageRecorderOptions) {
    this.#options = options;
    const { now, later } = options;
    this.#write = paced(() => this.#storeChanged(), { interval: writeInterval, now, later });
  }

  /** Counts one HTTP call to the hub. */
  called({ operation, result, messages, problem }: MeteredCall): void {
    const at = this.#options.now();
    const minute = Math.floor(at.getTime() / 60_000);
    const hasFailed = problem !== undefined && meansUnreachable(problem);
    this.#change(at, (usage) => {
      const ofMinute = usage.minutes[minute] ?? {};
      const [calls, throttled] = ofMinute[operation] ?? [0, 0];
      const counts: CallCounts = [calls + 1, throttled + (result === 'throttled' ? 1 : 0)];
      const kept = Object.entries(usage.minutes).filter(([each]) => Number(each) > minute - keptMinutes);
      return {
        ...usage,
        minutes: { ...Object.fromEntries(kept), [minute]: { ...ofMinute, [operation]: counts } },
        messages: usage.messages + messages,
        ...(hasFailed
          ? { lastFailureAt: at.toISOString(), failure: problem.message }
          : { lastAnswerAt: at.toISOString() }),
        ...(result === 'ok' && (operation === 'twinUpdate' || operation === 'bulk')
          ? { lastChangeAt: at.toISOString() }
          : {}),
      };
    });
  }

  /** Records that events of the hub arrived now. */
  eventsArrived(): void {
    const at = this.#options.now();
    this.#change(at, (usage) => ({ ...usage, lastEventAt: at.toISOString() }));
  }

  /**
   * Stores what has changed, when the last write is a minute ago. Otherwise plans a write for later. Rejects with the error of the storage
   * service. A later call then tries again.
   */
  async flush(): Promise<void> {
    if (this.#days.some(({ isChanged }) => isChanged)) await this.#write();
  }

  async #storeChanged(): Promise<void> {
    for (const day of this.#days.filter(({ isChanged }) => isChanged)) {
      day.isChanged = false;
      await this.#options.store(day.usage).catch((error: unknown) => {
        day.isChanged = true;
        throw error;
      });
    }
    // A stored day is not needed any more when two days came after it. The clock can be set back to the day before, and its row has all counts.
    this.#days = this.#days.filter((day, index) => day.isChanged || index >= this.#days.length - 2);
  }

  #change(at: Date, change: (usage: DayUsage) => DayUsage): void {
    const day = dayOf(at);
    let current = this.#days.find(({ usage }) => usage.day === day);
    if (current === undefined) {
      current = { usage: { day, minutes: {}, messages: 0 }, isChanged: false };
      this.#days.push(current);
    }
    current.usage = change(current.usage);
    current.isChanged = true;
  }
}

/** Whether a problem says that the hub does not answer, or that it refuses the app. A hub that throttles or finds nothing is reachable. */
function meansUnreachable(problem: NonNullable<MeteredCall['problem']>): boolean {
  return problem.type === 'transient' || (problem.type === 'refused' && [401, 403].includes(problem.status));
}
