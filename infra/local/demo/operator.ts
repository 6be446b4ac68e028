/** Changes the local hub like a human operator. Uses only `azure-iothub`, so the demo calls the local hub as it would call a real hub. */
import { readFile } from 'node:fs/promises';
import type { Registry } from 'azure-iothub';
import { openRegistry } from '../../../shared/hub/index.ts';
import type { Policy } from '../../../shared/policy/index.ts';
import { writeLiteral } from '../../../shared/query/index.ts';
import { type JsonObject, type Twin, toTwin } from '../../../shared/twin/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import type { ThrottleOptions } from '../hub/index.ts';
import { breaches, wantedModules } from './departures.ts';
import type { Disturbance, Step } from './disturbance.ts';
import type { DemoDevice } from './fleet.ts';
import { importDevices } from './import-devices.ts';
import { type PacedCalls, pacedCalls } from './paced-calls.ts';

export interface OperatorOptions {
  /** Milliseconds by which the results of hub queries are older than the twins. Default: 0. */
  readonly queryLag?: number;
  /** The throttles of the hub. Default: none. */
  readonly throttle?: Pick<ThrottleOptions, 'tier' | 'units'>;
}

export class Operator {
  readonly #registry: Registry;
  readonly #storageConnectionString: string;
  readonly #queryLag: number;
  readonly #paced: PacedCalls;

  private constructor(
    registry: Registry,
    storageConnectionString: string,
    { queryLag = 0, throttle }: OperatorOptions,
  ) {
    this.#registry = registry;
    this.#storageConnectionString = storageConnectionString;
    this.#queryLag = queryLag;
    this.#paced = pacedCalls(throttle);
  }

  /** Connects to the hub. */
  static async connect(
    { iotHubConnectionString, storageConnectionString, caFile }: SystemEndpoints,
    options: OperatorOptions = {},
  ): Promise<Operator> {
    const address = { connectionString: iotHubConnectionString };
    const registry = await openRegistry(address, { idleTimeout: 15_000, ca: await readFile(caFile, 'utf8') });
    return new Operator(registry, storageConnectionString, options);
  }

  async createInBulk(devices: readonly DemoDevice[]): Promise<void> {
    await importDevices(this.#registry, this.#storageConnectionString, devices);
  }

  /** Creates one device, and then sets its tags with a second call: the first call cannot set tags. */
  async create(device: DemoDevice): Promise<void> {
    await this.#paced('identity', () => this.#registry.create({ deviceId: device.deviceId, status: 'enabled' }));
    await this.#registry.updateTwin(device.deviceId, { tags: device.tags }, '*');
  }

  /** Makes the hub calls of a disturbance. Patches use the etag `*`, so they overwrite a twin of any version. */
  async carryOut({ deviceId, steps, atOnce }: Disturbance): Promise<void> {
    if (atOnce) await Promise.all(steps.map((step) => this.#take(deviceId, step)));
    else for (const step of steps) await this.#take(deviceId, step);
  }

  /** Deletes a device. Does nothing when the device does not exist. */
  async remove(deviceId: string): Promise<void> {
    await this.#paced('identity', () => this.#registry.delete(deviceId)).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  /** Reads the module twins of a device, and describes how they break the policies, one line for each. Empty for a compliant device. */
  async faults(policies: readonly Policy[], device: DemoDevice): Promise<readonly string[]> {
    const faults = await Promise.all(
      wantedModules(policies, device).map(async (moduleId) => {
        const twin = await this.#moduleTwin(device.deviceId, moduleId);
        if (twin === undefined) return [`${device.deviceId} ${moduleId}: missing`];
        return breaches(policies, device, moduleId, twin.desired.properties);
      }),
    );
    return faults.flat();
  }

  /**
   * Queries all module twins of the hub. Resolves with their desired properties by device id and module id. Waits for the query lag before
   * the query.
   */
  async allModules(): Promise<ReadonlyMap<string, ReadonlyMap<string, JsonObject>>> {
    // Waits, so that the query returns the twins at least as new as they are now.
    await new Promise((resolve) => setTimeout(resolve, this.#queryLag));
    const modules = new Map<string, Map<string, JsonObject>>();
    const query = this.#registry.createQuery('SELECT * FROM devices.modules', 1000);
    while (query.hasMoreResults) {
      // `nextAsTwin` reads page after page. `next` without a callback would return the first page again and again.
      for (const raw of (await this.#paced('query', () => query.nextAsTwin())).result) {
        const { deviceId, moduleId = '' } = raw as unknown as { readonly deviceId: string; readonly moduleId?: string };
        const twin = toTwin(plain(raw), deviceId, moduleId);
        const ofDevice = modules.get(deviceId) ?? new Map<string, JsonObject>();
        modules.set(deviceId, ofDevice.set(moduleId, twin?.desired.properties ?? {}));
      }
    }
    return modules;
  }

  async #moduleTwin(deviceId: string, moduleId: string): Promise<Twin | undefined> {
    try {
      const { responseBody } = await this.#registry.getModuleTwin(deviceId, moduleId);
      return toTwin(plain(responseBody), deviceId, moduleId);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Lets an automatic configuration of the hub set desired properties of one module. Then removes the configuration. */
  async #configure(deviceId: string, moduleId: string, properties: JsonObject): Promise<void> {
    const id = `demo-${crypto.randomUUID()}`;
    const settings = Object.entries(properties).map(([key, value]) => [`properties.desired.${key}`, value]);
    const configuration = {
      id,
      targetCondition: `FROM devices.modules WHERE deviceId = ${writeLiteral(deviceId)} AND moduleId = ${writeLiteral(moduleId)}`,
      content: { moduleContent: Object.fromEntries(settings) },
      priority: 1,
    } as unknown as Parameters<Registry['addConfiguration']>[0];
    await this.#paced('configuration', () => this.#registry.addConfiguration(configuration));
    await this.#paced('configuration', () => this.#registry.removeConfiguration(id));
  }

  async #take(deviceId: string, step: Step): Promise<void> {
    switch (step.type) {
      case 'patchDesired':
        await this.#registry.updateModuleTwin(deviceId, step.moduleId, { properties: { desired: step.patch } }, '*');
        return;
      case 'deleteModule':
        await this.#paced('identity', () => this.#registry.removeModule(deviceId, step.moduleId));
        return;
      case 'configure':
        await this.#configure(deviceId, step.moduleId, step.properties);
        return;
      case 'deleteDevice':
        await this.#paced('identity', () => this.#registry.delete(deviceId));
    }
  }
}

/** The fields of the twin in the hub. A twin object of the SDK also holds a client, which is left out. */
function plain(twin: unknown): unknown {
  const { etag, version, tags, properties } = twin as Readonly<Record<string, unknown>>;
  return { etag, version, tags, properties };
}

/** Whether an error is the hub's response 404: the device or module does not exist. */
export function isNotFound(error: unknown): boolean {
  return (error as { response?: { statusCode?: unknown } }).response?.statusCode === 404;
}
