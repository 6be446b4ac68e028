import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '../local/hub/event-log.ts';
import type { BenchHub } from './bench-hub.ts';

export interface DisturbanceOptions {
  /** Ids of the devices, disturbed one after the other. */
  readonly ids: readonly string[];
  readonly moduleId: string;
  /** The disturbed desired property. */
  readonly path: string;
  /** The value of the property under the policy. */
  readonly expected: number;
  /** Milliseconds between a change and the delivery of its event. */
  readonly deliveryDelay: number;
}

/** Longest wait in milliseconds for the last repairs. */
const repairTimeout = 60_000;

/**
 * Changes a desired property on one device after the other, and measures the time until each is repaired. Writes to the registry
 * directly, so the changes do not count against the hub's throttles.
 */
export class Disturbances {
  readonly #hub: BenchHub;
  readonly #options: DisturbanceOptions;
  /** Delivery time of the event of each unrepaired change, by device id. */
  readonly #deliveredAt = new Map<string, number>();
  #next = 0;
  #latencies: number[] = [];

  constructor(hub: BenchHub, options: DisturbanceOptions) {
    this.#hub = hub;
    this.#options = options;
    for (const partition of hub.log.partitionIds) {
      hub.log.onAppend(partition, () => {
        const event = hub.log.events(partition).at(-1);
        if (event !== undefined) this.#onEvent(event);
      });
    }
  }

  /**
   * Disturbs `perSecond` devices a second while `work` runs. Resolves with the milliseconds from the delivery of each event to its repair.
   * Rejects if a repair takes too long.
   */
  async during(perSecond: number, work: () => Promise<unknown>): Promise<readonly number[]> {
    this.#latencies = [];
    const timer = setInterval(() => this.#disturb(), 1000 / perSecond);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    for (const deadline = performance.now() + repairTimeout; this.#deliveredAt.size > 0; ) {
      if (performance.now() > deadline)
        throw new Error(`${this.#deliveredAt.size} drifts were not repaired within ${repairTimeout / 1000} s.`);
      await sleep(10);
    }
    return this.#latencies;
  }

  #disturb(): void {
    const { ids, moduleId, path, expected, deliveryDelay } = this.#options;
    const deviceId = ids[this.#next++ % ids.length];
    if (deviceId === undefined || this.#deliveredAt.has(deviceId)) return;
    this.#deliveredAt.set(deviceId, performance.now() + deliveryDelay);
    this.#hub.registry.patchTwin({ deviceId, moduleId }, { desired: { [path]: expected + 1 } }, '*');
  }

  #onEvent({ deviceId, body }: LoggedEvent): void {
    const deliveredAt = this.#deliveredAt.get(deviceId);
    if (deliveredAt === undefined) return;
    const { properties } = JSON.parse(body.toString()) as {
      readonly properties?: { readonly desired?: Readonly<Record<string, unknown>> };
    };
    if (properties?.desired?.[this.#options.path] !== this.#options.expected) return;
    this.#deliveredAt.delete(deviceId);
    this.#latencies.push(performance.now() - deliveredAt);
  }
}
