import type { Target } from './ids.ts';
import type { Registered, RegisteredDevice, RegisteredDevices } from './registered-twin.ts';

interface Change {
  readonly at: number;
  readonly target: Target;
  /** The entry of the device or module after the change. Undefined if the change was a deletion. */
  readonly registered: Registered | undefined;
}

interface Device extends RegisteredDevice {
  readonly modules: Map<string, Registered>;
}

/**
 * The registry's devices as they were `lag` milliseconds ago. Queries read this view. The registry records each change here, and the view
 * applies a change when the change is `lag` milliseconds old. Identities and twins are immutable, so the view and the registry can share
 * them.
 */
export class LaggingView {
  readonly #lag: number;
  readonly #devices = new Map<string, Device>();
  /** The recorded changes, oldest first. The changes before the index `#next` have already been applied. */
  #changes: Change[] = [];
  #next = 0;

  /** `lag` is the number of milliseconds until queries see a change. */
  constructor(lag: number) {
    this.#lag = lag;
  }

  /**
   * Records the state of a device or module after a change. `at` is the time of the change in milliseconds since 1970. `registered` is
   * undefined after a deletion.
   */
  record(at: number, target: Target, registered: Registered | undefined): void {
    // The registry changes its entries in place, so the view must keep a copy of the entry.
    const copy = registered && { sequence: registered.sequence, identity: registered.identity, twin: registered.twin };
    this.#changes.push({ at, target, registered: copy });
    this.#applyUntil(at - this.#lag);
  }

  /** The devices as they were `lag` milliseconds before `now`. `now` is in milliseconds since 1970. */
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
    // Each removal of applied changes copies the array. So changes are removed only when at least 1000 changes, and at least half of all,
    // have been applied.
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
