import type { Device, Policy } from '../policy/index.ts';
import { IdSet } from '../sweep/index.ts';

/**
 * The devices in a policy's scope, as listed from the hub. Twins of modules do not show their device's tags, so the forecast looks
 * devices up here. Needs few bytes per device.
 */
export class ScopeMembers {
  readonly #policy: Policy;
  readonly #members: IdSet;
  /** Devices for which the scope's function throws. */
  readonly #failed: IdSet;
  #failure: unknown;

  constructor(policy: Policy, salt: string) {
    this.#policy = policy;
    this.#members = new IdSet(salt);
    this.#failed = new IdSet(salt);
  }

  /** Number of devices in the scope. */
  get size(): number {
    return this.#members.size;
  }

  /** Tests whether a device is in the scope, and remembers the result. `failed`: the scope's function throws. */
  test(device: Device): 'in' | 'out' | 'failed' {
    try {
      if (!this.#policy.scope.matches(device)) return 'out';
      this.#members.add(device.deviceId);
      return 'in';
    } catch (error) {
      this.#failed.add(device.deviceId);
      this.#failure = error;
      return 'failed';
    }
  }

  /** Adds a device that a query has already tested. */
  add(deviceId: string): void {
    this.#members.add(deviceId);
  }

  hasFailedOn(deviceId: string): boolean {
    return this.#failed.has(deviceId);
  }

  /** The same policy with a scope that tests the device id against the known members. */
  asPolicy(): Policy {
    const matches = ({ deviceId }: Device): boolean => {
      if (this.#failed.has(deviceId)) throw this.#failure;
      return this.#members.has(deviceId);
    };
    return { ...this.#policy, scope: { ...this.#policy.scope, matches } };
  }
}
