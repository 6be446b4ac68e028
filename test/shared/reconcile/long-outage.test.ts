import { describe, expect, it } from 'vitest';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import type { DeadLetters, DeferredQueue } from '../../../shared/retry/index.ts';
import { newEventsOf } from '../../support/new-events.ts';
import { StillClock } from '../../support/still-clock.ts';
import { brief, quiet } from '../../support/world.ts';
import { FaultyHub } from '../hub/faulty-hub.ts';
import { agent, memoryJournal, toQueueMessage } from './memory-world.ts';

const faulty = new FaultyHub();
const tick = 10_000;
const ticksOfOutage = 360;
const devicesPerTick = 5;
/** Changes of each device, one after the other. Ten changes a second in all. */
const changes = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'Off' : 'Low'));

type Deferral = Parameters<DeferredQueue['put']>[0];

/** The deferred queue in memory, with the time of the clock. */
class TimedQueue implements DeferredQueue {
  readonly #clock: StillClock;
  #messages: { readonly due: number; readonly deferral: Deferral }[] = [];

  constructor(clock: StillClock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#messages.length;
  }

  async put(deferral: Deferral, delay: number): Promise<void> {
    this.#messages.push({ due: this.#clock.now().getTime() + delay * 1000, deferral });
  }

  /** Takes the messages that are due. */
  take(): readonly Deferral[] {
    const now = this.#clock.now().getTime();
    const due = this.#messages.filter((message) => message.due <= now);
    this.#messages = this.#messages.filter((message) => message.due > now);
    return due.map(({ deferral }) => deferral);
  }
}

describe('an outage of the hub for an hour, with ten events a second', () => {
  it('is made up for within minutes after it, and each departure is recorded once', async () => {
    // The local hub uses the time of the machine.
    const clock = new StillClock(new Date().toISOString());
    const { registry, log } = faulty.local;
    const queue = new TimedQueue(clock);
    const given: string[] = [];
    const deadLetters: Partial<DeadLetters> = { put: async ({ reason }) => String(given.push(reason)) };
    const journal = memoryJournal();
    const processor = new EventProcessor({
      reconciler: new Reconciler({
        policies: toPolicySet([agent], { mode: 'enforce' }),
        hub: faulty.connect({ clock, random: () => 0.5 }),
        journal,
        log: quiet,
        clock,
      }),
      queue,
      deadLetters: deadLetters as DeadLetters,
      log: quiet,
      retry: { firstDelay: 10, attempts: 4 },
      random: () => 0.5,
      clock,
    });
    const newEvents = newEventsOf(log);
    /** Adds devices that are in line, changes each some times, and returns the events of the changes. */
    const disturb = (devices: readonly string[]) => {
      for (const deviceId of devices) {
        registry.create({ deviceId }, {});
        registry.create({ deviceId, moduleId: 'm' }, {}, { desired: { mode: 'High', s: { x: true } } });
      }
      newEvents();
      for (const deviceId of devices) {
        for (const mode of changes) registry.patchTwin({ deviceId, moduleId: 'm' }, { desired: { mode } }, '*');
      }
      return newEvents();
    };
    const work = async () => {
      for (const deferral of queue.take()) await processor.retry(await toQueueMessage(deferral));
    };
    const historyOf = async (deviceId: string) => brief((await journal.read(deviceId, '1970-01-01T00:00:00Z')).recent);

    await processor.process(disturb(['control']));
    const expected = await historyOf('control');
    expect(expected.length).toBeGreaterThan(0);

    faulty.faults = Array(100_000).fill('fail');
    const devices: string[] = [];
    for (let round = 0; round < ticksOfOutage; round++) {
      const these = Array.from({ length: devicesPerTick }, (_, index) => `d${round}-${index}`);
      devices.push(...these);
      await processor.process(disturb(these));
      await work();
      clock.pass(tick);
    }
    const callsInOutage = faulty.callCount;
    expect(queue.length).toBe(devices.length);
    faulty.faults = [];
    let minutes = 0;
    for (; queue.length > 0 && minutes < 60; minutes++) {
      clock.pass(60_000);
      await work();
    }

    expect(minutes).toBeLessThanOrEqual(6);
    expect(given).toEqual([]);
    // One probe a minute, and the calls until the breaker opened.
    expect(callsInOutage).toBeLessThan(120);
    for (const deviceId of devices) {
      expect(await historyOf(deviceId), deviceId).toEqual(expected);
      const twin = registry.readTwin({ deviceId, moduleId: 'm' });
      expect(twin).toMatchObject({ properties: { desired: { mode: 'High', s: { x: true } } } });
    }
  }, 600_000);
});
