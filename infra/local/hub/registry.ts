/**
 * The hub's registry: identities and twins of devices and modules, in memory, and an event for each change. Every method checks
 * everything before it changes anything, and runs without a pause, so that a request is done as a whole or refused as a whole.
 */
import { preciseNow } from './clock.ts';
import { HubError } from './errors.ts';
import { checkIfMatch, type IfMatch } from './etag.ts';
import type { EventLog } from './event-log.ts';
import { hubEvent, type OpType } from './hub-events.ts';
import { type Identity, type IdentityWrite, renderDevice, renderModule, writeIdentity } from './identity.ts';
import { checkTarget, notFound, type Target } from './ids.ts';
import type { JsonObject } from './json.ts';
import { LaggingView } from './lagging-view.ts';
import { type RegisteredDevices, renderWhole } from './registered-twin.ts';
import {
  etagOf,
  newTwin,
  patchReported,
  patchTwin,
  renderTwin,
  replaceTwin,
  type Twin,
  type TwinWrite,
} from './twin.ts';

/** "Maximum number of modules that can be registered per device: 50" (IoT Hub quotas). */
export const MAX_MODULES_PER_DEVICE = 50;

const EDGE_MODULES = ['$edgeAgent', '$edgeHub'] as const;

interface Entry {
  /** Grows with each registration, so that a listing can go on where it stopped. */
  readonly sequence: number;
  identity: Identity;
  twin: Twin;
}

interface DeviceEntry extends Entry {
  readonly modules: Map<string, Entry>;
}

export interface RegistryOptions {
  readonly hubName: string;
  readonly log: EventLog;
  /** Milliseconds since 1970, with a fraction. */
  readonly now?: () => number;
  /** Queries see the registry as it was so many milliseconds ago. Default: 0, as it is. */
  readonly queryLag?: number;
}

export class Registry {
  readonly #devices = new Map<string, DeviceEntry>();
  readonly #hubName: string;
  readonly #log: EventLog;
  readonly #now: () => number;
  readonly #lagging: LaggingView | undefined;
  #sequence = 0;

  constructor(options: RegistryOptions) {
    this.#hubName = options.hubName;
    this.#log = options.log;
    this.#now = options.now ?? preciseNow;
    const { queryLag = 0 } = options;
    if (!(queryLag >= 0)) throw new RangeError(`queryLag must be 0 or more milliseconds, not ${queryLag}.`);
    this.#lagging = queryLag === 0 ? undefined : new LaggingView(queryLag);
  }

  /** Registers a device or module with its twin. Throws 409 if it exists, 404 if a module's device does not, 413 at the module limit. */
  create(target: Target, identity: IdentityWrite, twin: TwinWrite = {}): JsonObject {
    checkTarget(target);
    const now = this.#now();
    const { deviceId, moduleId } = target;
    if (moduleId === undefined) {
      if (this.#devices.has(deviceId))
        throw new HubError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
      const device: DeviceEntry = { ...this.#newEntry(identity, twin, now), modules: new Map() };
      this.#devices.set(deviceId, device);
      this.#lagging?.note(now, target, device);
      this.#emit(target, 'createDeviceIdentity', device, now);
      if (device.identity.iotEdge) this.#addEdgeModules(deviceId, device, now);
      return renderDevice(deviceId, device.identity);
    }
    const device = this.#device(deviceId);
    if (device.modules.has(moduleId)) {
      const message = `Device ${deviceId} in IotHub ${this.#hubName} already contains Module ${moduleId}.`;
      throw new HubError('ModuleAlreadyExistsOnDevice', message);
    }
    if (device.modules.size >= MAX_MODULES_PER_DEVICE) {
      const message = `Device ${deviceId} has ${device.modules.size} modules, and may have ${MAX_MODULES_PER_DEVICE}`;
      throw new HubError('TooManyModulesOnDevice', message);
    }
    const module = this.#newEntry(identity, twin, now);
    device.modules.set(moduleId, module);
    this.#lagging?.note(now, target, module);
    this.#emit(target, 'createDeviceIdentity', module, now);
    return renderModule(deviceId, moduleId, module.identity);
  }

  /** Writes an identity that exists. Throws 404 if it does not, 412 if its ETag is another. */
  update(target: Target, write: IdentityWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkIfMatch(ifMatch, entry.identity.etag);
    const now = this.#now();
    const wasEdge = entry.identity.iotEdge;
    entry.identity = writeIdentity(write, entry.identity, now);
    this.#lagging?.note(now, target, entry);
    if (target.moduleId !== undefined) return renderModule(target.deviceId, target.moduleId, entry.identity);
    const device = this.#device(target.deviceId);
    if (!wasEdge && entry.identity.iotEdge) this.#addEdgeModules(target.deviceId, device, now);
    if (wasEdge && !entry.identity.iotEdge) {
      for (const moduleId of EDGE_MODULES) this.#deleteModule(target.deviceId, device, moduleId, now);
    }
    return renderDevice(target.deviceId, entry.identity);
  }

  /** An identity. Throws 404 if it does not exist. */
  read(target: Target): JsonObject {
    checkTarget(target);
    const { identity } = this.#entry(target);
    return target.moduleId === undefined
      ? renderDevice(target.deviceId, identity)
      : renderModule(target.deviceId, target.moduleId, identity);
  }

  /** Removes an identity and its twin, a device with all its modules. Throws 404 if it does not exist, 412 if its ETag is another. */
  delete(target: Target, ifMatch: IfMatch): void {
    checkTarget(target);
    checkIfMatch(ifMatch, this.#entry(target).identity.etag);
    const now = this.#now();
    const device = this.#device(target.deviceId);
    if (target.moduleId !== undefined) {
      this.#deleteModule(target.deviceId, device, target.moduleId, now);
      return;
    }
    // One event for one operation, as documented; whether the real hub tells of each module, too, the documents do not say.
    this.#devices.delete(target.deviceId);
    this.#lagging?.note(now, target, undefined);
    this.#emit(target, 'deleteDeviceIdentity', device, now);
  }

  /** The first devices in order of registration. */
  list(top: number): readonly JsonObject[] {
    const found: JsonObject[] = [];
    for (const [deviceId, device] of this.#devices) {
      if (found.length >= top) break;
      found.push(renderDevice(deviceId, device.identity));
    }
    return found;
  }

  /** All modules of a device. Throws 404 if it does not exist. */
  listModules(deviceId: string): readonly JsonObject[] {
    checkTarget({ deviceId });
    return [...this.#device(deviceId).modules].map(([moduleId, { identity }]) =>
      renderModule(deviceId, moduleId, identity),
    );
  }

  /** A twin. Throws 404 if its identity does not exist. */
  readTwin(target: Target): JsonObject {
    checkTarget(target);
    return renderWhole(target, this.#entry(target));
  }

  /** PATCH of a twin. Throws 404, 412, and 400 beyond the limits. */
  patchTwin(target: Target, write: TwinWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkIfMatch(ifMatch, etagOf(entry.twin));
    const now = this.#now();
    const { twin, change } = patchTwin(entry.twin, write, now);
    return this.#keep(target, entry, twin, 'updateTwin', change, now);
  }

  /** PUT of a twin. Throws 404, 412, and 400 beyond the limits. */
  replaceTwin(target: Target, write: TwinWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkIfMatch(ifMatch, etagOf(entry.twin));
    const now = this.#now();
    const twin = replaceTwin(entry.twin, write, now);
    return this.#keep(target, entry, twin, 'replaceTwin', renderForEvent(target, twin), now);
  }

  /** What an agent on the device does; no service can. Throws 404, and 400 beyond the limits. */
  report(target: Target, patch: JsonObject): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    const now = this.#now();
    const { twin, change } = patchReported(entry.twin, patch, now);
    return this.#keep(target, entry, twin, 'updateTwin', change, now);
  }

  /** All that there is, as queries see it. To be read before anything else happens: it changes with the registry. */
  get queried(): RegisteredDevices {
    return this.#lagging?.at(this.#now()) ?? this.#devices;
  }

  /** How many devices there are, as `GET /statistics/devices` counts them. */
  statistics(): JsonObject {
    let enabled = 0;
    for (const { identity } of this.#devices.values()) if (identity.status === 'enabled') enabled += 1;
    const total = this.#devices.size;
    return { totalDeviceCount: total, enabledDeviceCount: enabled, disabledDeviceCount: total - enabled };
  }

  #newEntry(identity: IdentityWrite, twin: TwinWrite, now: number): Entry {
    const made = { identity: writeIdentity(identity, undefined, now), twin: newTwin(twin, now) };
    this.#sequence += 1;
    return { sequence: this.#sequence, ...made };
  }

  #device(deviceId: string): DeviceEntry {
    const device = this.#devices.get(deviceId);
    if (device === undefined) throw notFound({ deviceId }, 'device');
    return device;
  }

  #entry(target: Target): Entry {
    const device = this.#device(target.deviceId);
    if (target.moduleId === undefined) return device;
    const module = device.modules.get(target.moduleId);
    if (module === undefined) throw notFound(target, 'module');
    return module;
  }

  #addEdgeModules(deviceId: string, device: DeviceEntry, now: number): void {
    for (const moduleId of EDGE_MODULES) {
      if (device.modules.has(moduleId)) continue;
      const module = this.#newEntry({ managedBy: 'iotEdge' }, {}, now);
      device.modules.set(moduleId, module);
      this.#lagging?.note(now, { deviceId, moduleId }, module);
      this.#emit({ deviceId, moduleId }, 'createDeviceIdentity', module, now);
    }
  }

  #deleteModule(deviceId: string, device: DeviceEntry, moduleId: string, now: number): void {
    const module = device.modules.get(moduleId);
    if (module === undefined) return;
    device.modules.delete(moduleId);
    this.#lagging?.note(now, { deviceId, moduleId }, undefined);
    this.#emit({ deviceId, moduleId }, 'deleteDeviceIdentity', module, now);
  }

  #keep(target: Target, entry: Entry, twin: Twin, opType: OpType, body: JsonObject, now: number): JsonObject {
    entry.twin = twin;
    this.#lagging?.note(now, target, entry);
    this.#log.append(hubEvent(this.#hubName, target, opType, body, now));
    return renderWhole(target, entry);
  }

  #emit(target: Target, opType: OpType, entry: Entry, now: number): void {
    this.#log.append(hubEvent(this.#hubName, target, opType, renderForEvent(target, entry.twin), now));
  }
}

/** A twin as events that carry all of it show it. */
function renderForEvent(target: Target, twin: Twin): JsonObject {
  return { ...target, etag: etagOf(twin), ...renderTwin(twin) };
}
