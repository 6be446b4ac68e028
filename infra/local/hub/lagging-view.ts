import type { Target } from './ids.ts';
import type { Registered, RegisteredDevice, RegisteredDevices } from './registered-twin.ts';

interface Change {
  readonly at: number;
  readonly target: Target;
  /** Undefined: no longer there. */
  readonly registered: Registered | undefined;
}

interface Device extends RegisteredDevice {
  readonly modules: Map<string, Registered>;
}

/**
 * A registry as it was some time ago. It is told of each change when it happens, and carries it out when it is old enough. Identities and
 * twins are never changed in place, so that it shares them with the registry.
 */
export class LaggingView {
  readonly #lag: number;
  readonly #devices = new Map<string, Device>();
  /** Oldest first; those before `#next` have been carried out. */
  #changes: Change[] = [];
  #next = 0;

  /** Milliseconds between a change and its being seen. */
  constructor(lag: number) {
    this.#lag = lag;
  }

  /** Takes note of what there is of a device or module since `at`, in milliseconds since 1970. */
  note(at: number, target: Target, registered: Registered | undefined): void {
    // What stands in the registry may be changed there: keep its parts.
    const kept = registered && { sequence: registered.sequence, identity: registered.identity, twin: registered.twin };
    this.#changes.push({ at, target, registered: kept });
    this.#carryOutUntil(at - this.#lag);
  }

  /** What there was a lag ago. */
  at(now: number): RegisteredDevices {
    this.#carryOutUntil(now - this.#lag);
    return this.#devices;
  }

  #carryOutUntil(time: number): void {
    for (;;) {
      const change = this.#changes[this.#next];
      if (change === undefined || change.at > time) break;
      this.#carryOut(change);
      this.#next += 1;
    }
    // Now and then, so that it costs next to nothing for each change.
    if (this.#next < 1000 || this.#next * 2 < this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#next);
    this.#next = 0;
  }

  #carryOut({ target: { deviceId, moduleId }, registered }: Change): void {
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
