import { type Clock, systemClock } from '../clock.ts';
import { decodeEvent, type EventFault, type HubEvent, type RawEvent } from '../events/index.ts';
import type { Log } from '../log.ts';
import { describeThrown } from '../policy/index.ts';
import { type DeadLetters, type DeferredQueue, readDeferral, type UnusableEvent } from '../retry/index.ts';
import { correlationIdsOf, correlationText } from './correlation-ids.ts';
import { describeUnusable } from './describe-unusable.ts';
import type { DeviceWork } from './device-work.ts';
import { workFromEvents } from './fold-events.ts';
import type { DeviceResult, Reconciler } from './reconciler.ts';

export interface EventProcessorDependencies {
  readonly reconciler: Pick<Reconciler, 'policies' | 'reconcile' | 'giveUp'>;
  readonly queue: DeferredQueue;
  readonly deadLetters: DeadLetters;
  readonly log: Log;
  readonly retry: RetrySchedule;
  /** Returns a random number from 0 to 1, which varies the delay of retries. The default is `Math.random`. */
  readonly random?: () => number;
  /** Default: the clock of the system. */
  readonly clock?: Clock;
}

/** The delays and the number of attempts for failed work. */
export interface RetrySchedule {
  /** Seconds before the first retry. The delay doubles with each further retry. */
  readonly firstDelay: number;
  /** Maximum number of attempts, including the first attempt. After the last attempt fails, the work becomes a dead letter. */
  readonly attempts: number;
}

/**
 * Milliseconds after which an invocation begins no further device. The rest of `functionTimeout` in host.json, ten minutes, is for what it has in
 * hand: a call to the hub can wait a minute for the budget, and then take half a minute.
 */
const longestInvocation = 240_000;

/** Maximum delay of a retry, in seconds. A random factor from 0.75 to 1.25 changes a delay, but never makes it longer than this. */
const maxDelay = 6 * 3600;

/** Numbers of a processed batch of events. */
export interface EventCounts {
  readonly events: number;
  /** Number of events from message sources that Twinkeeper does not watch, such as telemetry. */
  readonly ignored: number;
  /** Number of events with missing or contradictory content. Of each fault, the first 100 in an hour are stored as dead letters. */
  readonly unusable: number;
  /** Number of devices whose events caused work. */
  readonly devices: number;
  /**
   * Number of devices whose work was not completed. The work is queued for a retry. After the last attempt, the work becomes a dead letter.
   */
  readonly deferred: number;
  /** The correlation ids of the events that caused work, each once. */
  readonly correlationIds: readonly string[];
}

/** The events of one device, in the order of the batch. The lists `raw` and `decoded` have the same length. */
interface DeviceEvents {
  readonly raw: RawEvent[];
  readonly decoded: HubEvent[];
}

/**
 * Processes batches of events from the event hub. After a call returns, each event is processed, or stored as a dead letter, or in the
 * deferred queue. A call throws when none of these is possible. The caller must then arrange that the events are delivered again.
 */
export class EventProcessor {
  readonly #dependencies: Required<EventProcessorDependencies>;

  constructor(dependencies: EventProcessorDependencies) {
    this.#dependencies = { random: Math.random, clock: systemClock, ...dependencies };
  }

  /** Processes a batch of raw events. Logs one line about a batch that caused work, or that has events which cannot be used. */
  async process(events: readonly RawEvent[]): Promise<EventCounts> {
    const counts = await this.#processAttempt(events, 0, true);
    const { devices, deferred, unusable, ignored, correlationIds } = counts;
    if (devices > 0 || ignored > 0 || unusable > 0) {
      this.#dependencies.log.info(
        `${events.length} events: ${devices} devices checked, ${deferred} deferred, ${unusable} unusable, ${ignored} ignored.` +
          correlationText(correlationIds),
      );
    }
    return counts;
  }

  /**
   * Processes the events in a message of the deferred queue.
   *
   * @throws {TypeError} when the message has another shape
   */
  async retry(message: unknown): Promise<EventCounts> {
    const { deadLetters } = this.#dependencies;
    const deferral = await readDeferral(message, deadLetters);
    const counts = await this.#processAttempt(deferral.events, deferral.attempt, false, deferral.isReplay === true);
    // The parked dead letter is removed last. After a crash, the queue delivers the message again, and the events in the dead letter are
    // still needed.
    if (deferral.parked !== undefined) await deadLetters.remove(deferral.parked);
    return counts;
  }

  /** Stores a message of the poison queue as a dead letter. Sets the unfinished rows of the device to `failed`. */
  async deadLetter(message: unknown, reason: string): Promise<void> {
    const { deadLetters, reconciler } = this.#dependencies;
    const deferral = await readDeferral(message, deadLetters).catch(() => undefined);
    const deviceId = deferral?.deviceId ?? '';
    await deadLetters.put({ deviceId, reason, state: 'dead', event: deferral?.events ?? message });
    if (deferral?.parked !== undefined) await deadLetters.remove(deferral.parked);
    if (deviceId !== '') await reconciler.giveUp(deviceId, reason);
  }

  /**
   * Processes the events of one attempt. `attempt` is the number of earlier attempts, 0 for new events. `isNew` is false for events from the
   * deferred queue. `isReplay`: a person replays the events, so that the modules of the events are read. Their rows are `failed`, and without a look the events
   * would count as done.
   */
  async #processAttempt(
    events: readonly RawEvent[],
    attempt: number,
    isNew: boolean,
    isReplay = false,
  ): Promise<EventCounts> {
    const { reconciler } = this.#dependencies;
    const { byDevice, ignored, unusable } = groupByDevice(events);
    const works: DeviceWork[] = [];
    for (const [deviceId, deviceEvents] of byDevice) {
      const work = this.#workOf(deviceId, deviceEvents, unusable);
      if (isReplay) for (const module of work.modules.values()) module.mustRead = true;
      if (work.modules.size > 0 || work.deletedAt !== undefined) works.push(work);
    }
    if (unusable.length > 0) await this.#reject(unusable, isNew);
    let deferred = 0;
    if (works.length > 0) {
      // Each device is handed over as soon as its work has ended. So when the process is killed, only what it has in hand must be done again.
      const onResult = async ({ deviceId, deferred: reason, retryAfter }: DeviceResult) => {
        if (reason === undefined) return;
        deferred++;
        const raw = byDevice.get(deviceId)?.raw ?? [];
        if (retryAfter === undefined) await this.#defer(deviceId, raw, attempt + 1, reason);
        // The wait is not a failed attempt.
        else {
          const replay = isReplay ? ({ isReplay } as const) : {};
          await this.#dependencies.queue.put({ deviceId, events: raw, attempt, reason, ...replay }, retryAfter);
        }
      };
      await reconciler.reconcile(works, 'event', { deadline: this.#now() + longestInvocation, onResult });
    }
    const correlationIds = correlationIdsOf(works.flatMap(({ deviceId }) => byDevice.get(deviceId)?.raw ?? []));
    return {
      events: events.length,
      ignored,
      unusable: unusable.length,
      devices: works.length,
      deferred,
      correlationIds,
    };
  }

  #now(): number {
    return this.#dependencies.clock.now().getTime();
  }

  /**
   * Returns the work that the events of a device cause. When the processing of an event throws, the event is added to `unusable`, and only
   * the remaining events are used.
   */
  #workOf(deviceId: string, { decoded, raw }: DeviceEvents, unusable: UnusableEvent[]): DeviceWork {
    const { policies } = this.#dependencies.reconciler;
    try {
      return workFromEvents(policies, deviceId, decoded);
    } catch {
      const usable: HubEvent[] = [];
      for (const [index, event] of decoded.entries()) {
        try {
          workFromEvents(policies, deviceId, [event]);
          usable.push(event);
        } catch (error) {
          const original = raw[index];
          const reason = `cannot be processed: ${describeThrown(error)}`;
          if (original !== undefined) unusable.push(toUnusable(original, 'unprocessable', reason));
        }
      }
      return workFromEvents(policies, deviceId, usable);
    }
  }

  /** Stores or counts unusable events, and logs one line about all of them. */
  async #reject(unusable: readonly UnusableEvent[], isNew: boolean): Promise<void> {
    const { deadLetters, log } = this.#dependencies;
    let stored = unusable.length;
    // Events from the deferred queue are always stored. They are few, and an operator may have asked for the replay of a stored letter.
    if (isNew) stored = await deadLetters.putUnusable(unusable);
    else for (const letter of unusable) await deadLetters.put({ ...letter, state: 'dead' });
    const ids = correlationIdsOf(unusable.map(({ event }) => event));
    log.warn(`${describeUnusable(unusable, stored)}${correlationText(ids)}`);
  }

  /** Queues the events of a device for a retry. After the last attempt, stores the events as a dead letter instead. */
  async #defer(deviceId: string, events: readonly RawEvent[], attempt: number, reason: string): Promise<void> {
    const { queue, deadLetters, reconciler, log, retry, random } = this.#dependencies;
    const ids = correlationText(correlationIdsOf(events));
    if (attempt >= retry.attempts) {
      const finalReason = `given up after ${attempt} tries: ${reason}`;
      await deadLetters.put({ deviceId, reason: finalReason, state: 'dead', event: events });
      await reconciler.giveUp(deviceId, finalReason);
      log.error(`Device ${deviceId} is given up after ${attempt} tries and stored as a dead letter: ${reason}.${ids}`);
      return;
    }
    const doubled = Math.min(maxDelay, retry.firstDelay * 2 ** (attempt - 1));
    const delay = Math.min(maxDelay, doubled * (0.75 + random() / 2));
    await queue.put({ deviceId, events, attempt, reason }, delay);
    log.warn(`Device ${deviceId} is retried in ${Math.round(delay)} s (try ${attempt + 1}): ${reason}.${ids}`);
  }
}

/** Decodes a batch of raw events, and groups the decoded events by device. */
function groupByDevice(events: readonly RawEvent[]) {
  const byDevice = new Map<string, DeviceEvents>();
  const unusable: UnusableEvent[] = [];
  let ignored = 0;
  for (const event of events) {
    const decoded = decodeEvent(event);
    if (decoded.type === 'ignored') ignored++;
    else if (decoded.type === 'unusable') unusable.push(toUnusable(event, decoded.fault, decoded.reason));
    else {
      const device = byDevice.get(decoded.deviceId);
      if (device === undefined) byDevice.set(decoded.deviceId, { raw: [event], decoded: [decoded] });
      else {
        device.raw.push(event);
        device.decoded.push(decoded);
      }
    }
  }
  return { byDevice, ignored, unusable };
}

function toUnusable(event: RawEvent, fault: EventFault, reason: string): UnusableEvent {
  const id = event.systemProperties['iothub-connection-device-id'] ?? event.properties.deviceId;
  return { event, fault, reason, deviceId: typeof id === 'string' ? id.slice(0, 128) : '' };
}
