import type { MeteredCall, Problem } from '../hub/index.ts';
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
  /** The write that is running. Writes are made one after the other, because an older row must not replace a newer one. */
  #writing: Promise<void> | undefined;
  /** The last row that was stored. */
  #stored: DayUsage | undefined;

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
      const isThrottled = result === 'throttled' && !isQuotaEnd(problem);
      const counts: CallCounts = [calls + 1, throttled + (isThrottled ? 1 : 0)];
      const kept = Object.entries(usage.minutes).filter(([each]) => Number(each) > minute - keptMinutes);
      return {
        ...usage,
        minutes: { ...Object.fromEntries(kept), [minute]: { ...ofMinute, [operation]: counts } },
        messages: usage.messages + messages,
        aliveAt: at.toISOString(),
        ...(messages > 0 ? { quotaTakenAt: at.toISOString() } : {}),
        ...(isQuotaEnd(problem) ? { quotaEndedAt: at.toISOString() } : {}),
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

  /** The use of this process today, as far as it is counted. */
  today(): DayUsage {
    const day = dayOf(this.#options.now());
    return this.#days.findLast(({ usage }) => usage.day === day)?.usage ?? { day, messages: 0, minutes: {} };
  }

  /** What this process stored last, so that the other processes can read it. */
  stored(): DayUsage | undefined {
    return this.#stored;
  }

  /** Stores at once that this process is alive, and what it has counted. Rejects with the error of the storage service. */
  async beat(): Promise<void> {
    const at = this.#options.now();
    this.#change(at, (usage) => ({ ...usage, aliveAt: at.toISOString() }));
    await this.#storeChanged();
  }

  /**
   * Stores what has changed, when the last write is a minute ago. Otherwise plans a write for later. Rejects with the error of the storage
   * service. A later call then tries again.
   */
  async flush(): Promise<void> {
    if (this.#days.some(({ isChanged }) => isChanged)) await this.#write();
  }

  async #storeChanged(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => {});
    this.#writing = this.#storeDays();
    try {
      await this.#writing;
    } finally {
      this.#writing = undefined;
    }
  }

  async #storeDays(): Promise<void> {
    for (const day of this.#days.filter(({ isChanged }) => isChanged)) {
      day.isChanged = false;
      const { usage } = day;
      await this.#options.store(usage).catch((error: unknown) => {
        day.isChanged = true;
        throw error;
      });
      this.#stored = usage;
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

/** Whether a problem says that the quota of the hub is used up. Such an answer is no throttling: it does not depend on the rate of the calls. */
function isQuotaEnd(problem: Problem | undefined): boolean {
  return problem?.type === 'throttled' && problem.quota === 'hub';
}

/** Whether a problem says that the hub does not answer, or that it refuses the app. A hub that throttles or finds nothing is reachable. */
function meansUnreachable(problem: NonNullable<MeteredCall['problem']>): boolean {
  return problem.type === 'transient' || (problem.type === 'refused' && [401, 403].includes(problem.status));
}
