import type { Hub, Problem } from '../hub/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';

/** Thrown when the hub does not give the device twin now. */
export class TwinUnread extends Error {
  override readonly name = 'TwinUnread';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Reads the device twin for one round of a pass, at most once. */
export class DeviceReader {
  readonly #hub: Hub;
  readonly #deviceId: string;
  /** The device twin, once it was read. */
  #twin: Twin | undefined;

  constructor(hub: Hub, deviceId: string) {
    this.#hub = hub;
    this.#deviceId = deviceId;
  }

  /**
   * Returns the tags of the device, and whether the device is an IoT Edge device. Reads the device twin only when the scope of one of these
   * policies needs more than the device id.
   */
  async device(policies: readonly Policy[]): Promise<{ readonly device: Device } | { readonly problem: Problem }> {
    const deviceId = this.#deviceId;
    const concerned = policies.filter((policy) => policy.scope.mayMatchId(deviceId));
    if (concerned.every((policy) => policy.scope.usesIdOnly)) return { device: { deviceId, tags: {}, edge: false } };
    const answer = await this.#hub.readTwin(deviceId, '');
    if (!answer.ok) return { problem: answer.problem };
    this.#twin = answer.value;
    return { device: { deviceId, tags: answer.value.tags, edge: answer.value.edge } };
  }

  /** Returns the device twin. `undefined` when the device does not exist. Throws {@link TwinUnread} when the hub does not answer. */
  async twin(): Promise<Twin | undefined> {
    if (this.#twin !== undefined) return this.#twin;
    const answer = await this.#hub.readTwin(this.#deviceId, '');
    if (answer.ok) this.#twin = answer.value;
    else if (answer.problem.type !== 'gone') throw new TwinUnread(answer.problem);
    return this.#twin;
  }
}
