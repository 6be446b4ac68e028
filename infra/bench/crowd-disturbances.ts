import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '../local/hub/event-log.ts';
import type { BenchHub } from './bench-hub.ts';

export interface DisturbanceOptions {
  /** Ids of the devices. They are disturbed one after the other, in this order. */
  readonly ids: readonly string[];
  readonly moduleId: string;
  /** The desired property that is changed. */
  readonly path: string;
  /** The value that the policy wants for the property. */
  readonly expected: number;
  /** Milliseconds between a change of a twin and the delivery of the change's event to the app. */
  readonly deliveryDelay: number;
}

/** Milliseconds to wait for the last repairs after the work has ended. */
const repairTimeout = 60_000;

/**
 * Changes a desired property on one device after the other, and measures the time until the app repairs each change. Writes directly into
 * the registry, so the hub's throttles do not count these changes.
 */
export class Disturbances {
  readonly #hub: BenchHub;
  readonly #options: DisturbanceOptions;
  /** When the app gets the event of each change that is not repaired yet. The key is the device id. */
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
   * Changes `perSecond` devices a second while `work` runs. Resolves with one number for each repair: the milliseconds from the delivery of
   * the change's event until the repair. Rejects if a change is still not repaired when {@link repairTimeout} has passed.
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
