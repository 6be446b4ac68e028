import type { Clock } from '../clock.ts';
import {
  type Admission,
  type HubShare,
  type Lane,
  type MeteredCall,
  type PutOff,
  sweepPart,
  untilNextDay,
} from '../hub/index.ts';
import { aliveTime, type InstanceUse, othersAlive } from './instance-use.ts';
import { dayOf } from './usage.ts';
import type { UsageRecorder } from './usage-recorder.ts';

export interface AppShareOptions {
  /** The name of this process. */
  readonly instance: string;
  /** Counts and stores the use of this process. */
  readonly usage: Pick<UsageRecorder, 'called' | 'today' | 'stored' | 'beat'>;
  /** Reads what all processes have stored. */
  readonly uses: () => Promise<readonly InstanceUse[]>;
  /** The app's own quota, in messages a day. */
  readonly dailyMessages: number;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1. The number spreads the calls after midnight. */
  readonly random?: () => number;
}

/** The number of instances that a process assumes until it has read how many there are. */
const assumedInstances = 8;
/** Milliseconds after which a process that calls the hub stores that it is alive. */
const beatInterval = 55_000;
/** Milliseconds for which the sign of life of this process is good. Shorter than {@link aliveTime}: others must not forget it while it calls. */
const beatLife = aliveTime - 15_000;
/** Milliseconds after which a process that calls the hub reads the use of the others again. */
const readInterval = 30_000;
/** Milliseconds after which a call waits for a new reading. */
const readLife = 45_000;
/** Milliseconds after which a reading is too old to decide that a call is still within the quota, when little of the quota is left. */
const readLifeNearEnd = 5_000;
/** The part of the quota that counts as little. */
const nearEnd = 0.1;
/** The part of the quota that a process uses at most before it tells the others. */
const untold = 0.01;
/** Maximum milliseconds that one call waits for storage. */
const patience = 1_000;
/** Milliseconds between two attempts to read, when storage fails. */
const pauseAfterFailure = 10_000;
/** Milliseconds after which a call tries whether the hub takes messages again. Somebody may have added units to the hub. */
const probeInterval = 15 * 60_000;
/** The calls that were put off until midnight are spread over this many milliseconds. */
const spread = 10 * 60_000;

/**
 * The part of the hub's limits that this instance of the app may use. All instances store what they use, and read it of each other. Each
 * decides alone: it takes an equal part of the throttles, and stops when the messages of all together reach the quota of the app.
 *
 * An instance calls the hub only while the others can read that it is alive. So each reading shows all instances that call.
 * Storage that fails does not stop calls: the last reading counts on.
 */
export class AppShare implements HubShare {
  readonly #options: AppShareOptions;
  readonly #jitter: number;
  #instances = assumedInstances;
  #joins = 0;
  /** What the others stored, at the time of the last reading. */
  #others: readonly InstanceUse[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  constructor(options: AppShareOptions) {
    this.#options = options;
    this.#jitter = (options.random ?? Math.random)() * spread;
  }

  /** Counts one HTTP call to the hub. */
  called(call: MeteredCall): void {
    const { usage, dailyMessages } = this.#options;
    usage.called(call);
    const isRead = this.#now() - this.#readAt < readLifeNearEnd;
    if (!isRead && this.#untoldMessages() >= untold * dailyMessages) this.#refreshSoon();
  }

  async enter(lane: Lane, takesMessages: boolean): Promise<Admission> {
    const age = this.#now() - this.#readAt;
    const isTooOld = age >= readLife || !this.#isKnownAlive();
    if (isTooOld || (takesMessages && age >= readLifeNearEnd && this.#isNearEnd(lane))) await this.#refreshInTime();
    else if (age >= readInterval) this.#refreshSoon();
    const putOff = takesMessages ? this.putOff(lane) : undefined;
    return { instances: this.#instances, joins: this.#joins, ...(putOff === undefined ? {} : { putOff }) };
  }

  putOff(lane: Lane): PutOff | undefined {
    const now = this.#options.clock.now();
    const until = { retryAfter: untilNextDay(now) + this.#jitter };
    if (this.#isQuotaOfHubOver(now)) {
      const reason = 'put off until 00:00 UTC, because the daily message quota of the hub is used up';
      return { quota: 'hub', reason, ...until };
    }
    const used = this.#used();
    if (used < this.#limit(lane)) return undefined;
    const reason =
      used < this.#options.dailyMessages
        ? "put off until 00:00 UTC, because the rest of TWINKEEPER_MESSAGE_SHARE, the app's messages of a day, is for events"
        : "put off until 00:00 UTC, because TWINKEEPER_MESSAGE_SHARE, the app's messages of a day, is used up";
    return { quota: 'share', reason, ...until };
  }

  /** The messages that the app has used today, as far as this instance knows. */
  #used(): number {
    const today = this.#options.usage.today();
    const ofOthers = this.#others.filter(({ day }) => day === today.day).map(({ messages }) => messages);
    return ofOthers.reduce((sum, messages) => sum + messages, today.messages);
  }

  /** The number of messages at which calls of a lane stop. */
  #limit(lane: Lane): number {
    return this.#options.dailyMessages * (lane === 'sweep' ? sweepPart : 1);
  }

  #isNearEnd(lane: Lane): boolean {
    return this.#used() >= this.#limit(lane) - nearEnd * this.#options.dailyMessages;
  }

  #isQuotaOfHubOver(now: Date): boolean {
    const today = dayOf(now);
    const uses = [this.#options.usage.today(), ...this.#others].filter(({ day }) => day === today);
    const last = (times: readonly (string | undefined)[]) => times.reduce<string>((a, b = '') => (a > b ? a : b), '');
    const ended = last(uses.map(({ quotaEndedAt }) => quotaEndedAt));
    if (ended === '' || ended < last(uses.map(({ quotaTakenAt }) => quotaTakenAt))) return false;
    return now.getTime() - Date.parse(ended) < probeInterval;
  }

  /** Whether the others can read that this instance is alive. */
  #isKnownAlive(): boolean {
    return this.#beatAge() < beatLife;
  }

  /** Milliseconds since the last sign of life that this instance has stored. */
  #beatAge(): number {
    const { aliveAt } = this.#options.usage.stored() ?? {};
    return aliveAt === undefined ? Number.POSITIVE_INFINITY : this.#now() - Date.parse(aliveAt);
  }

  /** The messages that this instance has used today and not stored. */
  #untoldMessages(): number {
    const { usage } = this.#options;
    const today = usage.today();
    const stored = usage.stored();
    return today.messages - (stored?.day === today.day ? stored.messages : 0);
  }

  /** Refreshes, and waits for it, but not for long. Does not wait while storage fails. */
  async #refreshInTime(): Promise<void> {
    const hasFailed = this.#failedAt > this.#readAt;
    const refreshed = this.#refresh();
    if (!hasFailed) await Promise.race([refreshed, this.#options.clock.sleep(patience)]);
  }

  #refreshSoon(): void {
    void this.#refresh();
  }

  /** Stores the use of this instance when it is time, and reads the use of the others. Never rejects. */
  #refresh(): Promise<void> {
    if (this.#now() - this.#failedAt < pauseAfterFailure) return Promise.resolve();
    this.#refreshing ??= this.#exchange()
      .catch(() => {
        this.#failedAt = this.#now();
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  async #exchange(): Promise<void> {
    const { usage, uses, instance, dailyMessages } = this.#options;
    const isNewcomer = !this.#isKnownAlive();
    // The sign of life is stored before the others are read. Of two instances that start at once, at least one then sees the other.
    if (isNewcomer || this.#beatAge() >= beatInterval || this.#untoldMessages() >= untold * dailyMessages) {
      await usage.beat();
    }
    const all = await uses();
    const now = this.#now();
    const others = othersAlive(all, instance, now);
    this.#others = all.filter((use) => use.instance !== instance);
    this.#instances = others + 1;
    this.#readAt = now;
    if (isNewcomer && others > 0) this.#joins++;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
