import type { Device, Policy } from '../policy/index.ts';
import { IdSet } from '../sweep/index.ts';

/**
 * Which devices are in a policy's scope, as far as that has been asked of the hub: modules' twins do not show their device's tags. Takes
 * a few bytes a device.
 */
export class KnownScope {
  readonly policy: Policy;
  readonly #members: IdSet;
  /** Devices on which the scope's function throws. */
  readonly #failed: IdSet;
  #failure: unknown;

  constructor(policy: Policy, salt: string) {
    this.policy = policy;
    this.#members = new IdSet(salt);
    this.#failed = new IdSet(salt);
  }

  /** How many devices are in the scope. */
  get size(): number {
    return this.#members.size;
  }

  /** Notes whether a device is in the scope, and says so; `failed` where the scope's function throws. */
  ask(device: Device): 'in' | 'out' | 'failed' {
    try {
      if (!this.policy.scope.matches(device)) return 'out';
      this.#members.add(device.deviceId);
      return 'in';
    } catch (error) {
      this.#failed.add(device.deviceId);
      this.#failure = error;
      return 'failed';
    }
  }

  /** Notes a device that a query named which leaves nothing else. */
  add(deviceId: string): void {
    this.#members.add(deviceId);
  }

  hasFailedOn(deviceId: string): boolean {
    return this.#failed.has(deviceId);
  }

  /** The same policy, with what is known in place of the scope: it looks at a device's id alone. */
  asPolicy(): Policy {
    const matches = ({ deviceId }: Device): boolean => {
      if (this.#failed.has(deviceId)) throw this.#failure;
      return this.#members.has(deviceId);
    };
    return { ...this.policy, scope: { ...this.policy.scope, matches } };
  }
}
