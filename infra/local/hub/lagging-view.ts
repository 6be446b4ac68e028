import type { Target } from './ids.ts';
import type { Registered, RegisteredDevice, RegisteredDevices } from './registered-twin.ts';

interface Change {
  readonly at: number;
  readonly target: Target;
  /** The entry after the change. Undefined after a deletion. */
  readonly registered: Registered | undefined;
}

interface Device extends RegisteredDevice {
  readonly modules: Map<string, Registered>;
}

/**
 * The registry's devices as they were `lag` milliseconds ago, as queries see them. The registry records each change here, and the view
 * applies a change once it is old enough. Identities and twins are immutable, so the view shares them with the registry.
 */
export class LaggingView {
  readonly #lag: number;
  readonly #devices = new Map<string, Device>();
  /** The recorded changes, oldest first. Changes before index `#next` have been applied. */
  #changes: Change[] = [];
  #next = 0;

  /** `lag`: milliseconds until a change is visible. */
  constructor(lag: number) {
    this.#lag = lag;
  }

  /**
   * Records the state of a device or module from `at` on, in milliseconds since 1970. `registered` is undefined after a deletion.
   */
  record(at: number, target: Target, registered: Registered | undefined): void {
    // The registry changes its entries in place, so the view keeps a copy.
    const copy = registered && { sequence: registered.sequence, identity: registered.identity, twin: registered.twin };
    this.#changes.push({ at, target, registered: copy });
    this.#applyUntil(at - this.#lag);
  }

  /** The devices as they were one lag before `now`, in milliseconds since 1970. */
  devicesAt(now: number): RegisteredDevices {
    this.#applyUntil(now - this.#lag);
    return this.#devices;
  }

  #applyUntil(time: number): void {
    for (;;) {
      const change = this.#changes[this.#next];
      if (change === undefined || change.at > time) break;
      this.#apply(change);
      this.#next += 1;
    }
    // Removes applied changes only now and then, because each removal copies the array.
    if (this.#next < 1000 || this.#next * 2 < this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#next);
    this.#next = 0;
  }

  #apply({ target: { deviceId, moduleId }, registered }: Change): void {
    const device = this.#devices.get(deviceId);
    if (moduleId !== undefined) {
      if (registered === undefined) device?.modules.delete(moduleId);
      else device?.modules.set(moduleId, registered);
    } else if (registered === undefined) {
      this.#devices.delete(deviceId);
    } else {
      this.#devices.set(deviceId, { ...registered, modules: device?.modules ?? new Map() });
    }
  }
}
