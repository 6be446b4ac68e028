import { IdSet } from '../id-set.ts';
import type { Device, Policy } from '../policy/index.ts';

/**
 * The ids of the devices in a policy's scope, as the hub listed them. The twin of a module does not contain the tags of its device, so the
 * forecast needs this list to test a scope. Takes few bytes of memory per device.
 */
export class ScopeMembers {
  readonly #policy: Policy;
  readonly #members: IdSet;
  /** Devices for which the scope's function throws an error. */
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

  /** Tests whether a device is in the scope, and remembers the result. `failed`: the scope's function throws an error for the device. */
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

  /** Adds a device to the scope without a test, because the query already tested the scope. */
  add(deviceId: string): void {
    this.#members.add(deviceId);
  }

  /** Whether the scope's function throws an error for at least one device. */
  get hasFailed(): boolean {
    return this.#failed.size > 0;
  }

  hasFailedOn(deviceId: string): boolean {
    return this.#failed.has(deviceId);
  }

  /** Returns the policy with another scope. That scope tests only whether the device id is in this list. */
  asPolicy(): Policy {
    const matches = ({ deviceId }: Device): boolean => {
      if (this.#failed.has(deviceId)) throw this.#failure;
      return this.#members.has(deviceId);
    };
    return { ...this.#policy, scope: { ...this.#policy.scope, matches } };
  }
}
