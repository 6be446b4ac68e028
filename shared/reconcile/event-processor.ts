import { decodeEvent, type HubEvent, type RawEvent } from '../events/index.ts';
import type { Log } from '../log.ts';
import { describeThrown } from '../policy/index.ts';
import type { DeadLetters } from '../retry/index.ts';
import { type DeferredQueue, readDeferral } from '../retry/index.ts';
import { type DeviceWork, workFromEvents } from './device-work.ts';
import type { Reconciler } from './reconciler.ts';

export interface EventProcessorDependencies {
  readonly reconciler: Pick<Reconciler, 'policies' | 'reconcile' | 'giveUp'>;
  readonly queue: DeferredQueue;
  readonly deadLetters: DeadLetters;
  readonly log: Log;
  readonly retry: RetrySchedule;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/** How often, and how long after the last time, what could not be done is tried again. */
export interface RetrySchedule {
  /** Seconds before the first retry; doubles with each. */
  readonly firstDelay: number;
  /** Tries in all, after which it becomes a dead letter. */
  readonly attempts: number;
}

/** No retry waits longer than this, in seconds. */
const longestDelay = 6 * 3600;

/** What became of a batch of events, in numbers. */
export interface EventCounts {
  readonly events: number;
  /** Of another message source. */
  readonly ignored: number;
  /** Ours, but nothing can be done with them; stored as dead letters. */
  readonly unusable: number;
  /** Devices for which there was something to do. */
  readonly devices: number;
  /** Devices handed over to the deferred queue. */
  readonly deferred: number;
}

interface DeviceEvents {
  readonly raw: RawEvent[];
  readonly decoded: HubEvent[];
}

/**
 * Takes events to their end. When a call returns, each event is done, recorded as unusable, or safely in the deferred queue; when it
 * throws, not even that was possible, and the caller must see to it that the events come again.
 */
export class EventProcessor {
  readonly #dependencies: Required<EventProcessorDependencies>;

  constructor(parts: EventProcessorDependencies) {
    this.#dependencies = { random: Math.random, ...parts };
  }

  /** Deals with a batch of events as they came. */
  async process(events: readonly RawEvent[]): Promise<EventCounts> {
    return this.#run(events, 0);
  }

  /** Tries once more what a message of the deferred queue holds. */
  async retry(message: unknown): Promise<EventCounts> {
    const { deadLetters: letters } = this.#dependencies;
    const deferral = await readDeferral(message, letters);
    const tally = await this.#run(deferral.events, deferral.attempt);
    // Only now: had the retry been cut short, the message would come again and need the events.
    if (deferral.parked !== undefined) await letters.remove(deferral.parked);
    return tally;
  }

  /** Stores a message that the queue itself gave up as a dead letter. */
  async deadLetter(message: unknown, reason: string): Promise<void> {
    const { deadLetters: letters } = this.#dependencies;
    const deferral = await readDeferral(message, letters).catch(() => undefined);
    const deviceId = deferral?.deviceId ?? '';
    await letters.put({ deviceId, reason, state: 'dead', event: deferral?.events ?? message });
    if (deferral?.parked !== undefined) await letters.remove(deferral.parked);
    if (deviceId !== '') await this.#dependencies.reconciler.giveUp(deviceId, reason);
  }

  async #run(events: readonly RawEvent[], attempt: number): Promise<EventCounts> {
    const { reconciler } = this.#dependencies;
    const { byDevice, ignored, unusable } = sortOut(events);
    for (const { event, reason } of unusable) await this.#reject(event, reason);

    const works: DeviceWork[] = [];
    for (const [deviceId, events] of byDevice) {
      const work = await this.#gather(deviceId, events);
      if (work.modules.size > 0 || work.deletedAt !== undefined) works.push(work);
    }
    let deferred = 0;
    if (works.length > 0) {
      for (const { deviceId, deferred: reason } of await reconciler.reconcile(works, 'event')) {
        if (reason === undefined) continue;
        deferred++;
        await this.#defer(deviceId, byDevice.get(deviceId)?.raw ?? [], attempt + 1, reason);
      }
    }
    return { events: events.length, ignored, unusable: unusable.length, devices: works.length, deferred };
  }

  /** What a device's events ask for. Nothing an event says may hold up its neighbours: one that cannot be folded is put aside alone. */
  async #gather(deviceId: string, { decoded, raw }: DeviceEvents): Promise<DeviceWork> {
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
          if (original !== undefined) await this.#reject(original, `cannot be made sense of: ${describeThrown(error)}`);
        }
      }
      return workFromEvents(policies, deviceId, usable);
    }
  }

  async #reject(event: RawEvent, reason: string): Promise<void> {
    const { deadLetters: letters, log } = this.#dependencies;
    const id = event.systemProperties['iothub-connection-device-id'] ?? event.properties.deviceId;
    const deviceId = typeof id === 'string' ? id.slice(0, 128) : '';
    await letters.put({ deviceId, reason, state: 'dead', event });
    log.warn(`An event could not be used and is kept as a dead letter: ${reason}.`);
  }

  async #defer(deviceId: string, events: readonly RawEvent[], attempt: number, reason: string): Promise<void> {
    const { queue, deadLetters: letters, reconciler, log, retry, random } = this.#dependencies;
    if (attempt >= retry.attempts) {
      const why = `given up after ${attempt} tries: ${reason}`;
      await letters.put({ deviceId, reason: why, state: 'dead', event: events });
      await reconciler.giveUp(deviceId, why);
      log.error(`Device ${deviceId} is given up after ${attempt} tries and kept as a dead letter: ${reason}.`);
      return;
    }
    const delay = Math.min(longestDelay, retry.firstDelay * 2 ** (attempt - 1)) * (0.75 + random() / 2);
    await queue.put({ deviceId, events, attempt, reason }, delay);
    log.warn(`Device ${deviceId} is tried again in ${Math.round(delay)} s (try ${attempt + 1}): ${reason}.`);
  }
}

/** Decodes a batch and puts together what is about one device, in the order in which it came. */
function sortOut(events: readonly RawEvent[]) {
  const byDevice = new Map<string, DeviceEvents>();
  const unusable: { readonly event: RawEvent; readonly reason: string }[] = [];
  let ignored = 0;
  for (const event of events) {
    const decoded = decodeEvent(event);
    if (decoded.type === 'ignored') ignored++;
    else if (decoded.type === 'unusable') unusable.push({ event, reason: decoded.reason });
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
