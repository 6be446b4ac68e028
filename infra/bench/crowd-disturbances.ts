import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '../local/hub/event-log.ts';
import type { BenchHub } from './bench-hub.ts';

export interface DisturbanceOptions {
  /** Devices that take turns. */
  readonly ids: readonly string[];
  readonly moduleId: string;
  /** A property of the module, and the value that it is to be set back to: a number. */
  readonly path: string;
  readonly right: number;
  /** Milliseconds that events are under way before anybody can act on them. */
  readonly delivery: number;
}

/** How long one is waited for in the end, in milliseconds. */
const patience = 60_000;

/** Somebody who keeps changing a property from within the hub, at no cost to its throttles, and times how long until it is set back. */
export class Disturbances {
  readonly #hub: BenchHub;
  readonly #options: DisturbanceOptions;
  readonly #since = new Map<string, number>();
  #next = 0;
  #latencies: number[] = [];

  constructor(hub: BenchHub, options: DisturbanceOptions) {
    this.#hub = hub;
    this.#options = options;
    for (const partition of hub.log.partitionIds) {
      hub.log.onAppend(partition, () => {
        const event = hub.log.events(partition).at(-1);
        if (event !== undefined) this.#see(event);
      });
    }
  }

  /** Disturbs so many a second for as long as `work` takes. Resolves with the milliseconds from each one's delivery on. @throws when one stays so. */
  async during(perSecond: number, work: () => Promise<unknown>): Promise<readonly number[]> {
    this.#latencies = [];
    const timer = setInterval(() => this.#disturb(), 1000 / perSecond);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    for (const until = performance.now() + patience; this.#since.size > 0; ) {
      if (performance.now() > until) throw new Error(`${this.#since.size} departures were not mended in time.`);
      await sleep(10);
    }
    return this.#latencies;
  }

  #disturb(): void {
    const { ids, moduleId, path, right, delivery } = this.#options;
    const deviceId = ids[this.#next++ % ids.length];
    if (deviceId === undefined || this.#since.has(deviceId)) return;
    this.#since.set(deviceId, performance.now() + delivery);
    this.#hub.registry.patchTwin({ deviceId, moduleId }, { desired: { [path]: right + 1 } }, '*');
  }

  #see({ deviceId, body }: LoggedEvent): void {
    const since = this.#since.get(deviceId);
    if (since === undefined) return;
    const { properties } = JSON.parse(body.toString()) as {
      readonly properties?: { readonly desired?: Readonly<Record<string, unknown>> };
    };
    if (properties?.desired?.[this.#options.path] !== this.#options.right) return;
    this.#since.delete(deviceId);
    this.#latencies.push(performance.now() - since);
  }
}
