/**
 * The hub's registry: identities and twins of devices and modules, in memory, and an event for each change. Every method checks
 * everything before it changes anything, and runs without a pause, so that a request is done as a whole or refused as a whole.
 */
import { preciseNow } from './clock.ts';
import { HubError } from './errors.ts';
import { checkIfMatch, type IfMatch } from './etag.ts';
import type { EventLog } from './event-log.ts';
import { hubEvent, type OpType } from './hub-events.ts';
import {
  type Identity,
  type IdentityWrite,
  renderDevice,
  renderModule,
  renderTwinIdentity,
  writeIdentity,
} from './identity.ts';
import { checkTarget, notFound, type Target } from './ids.ts';
import type { JsonObject } from './json.ts';
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

/** A twin document with its place in the order of registration. */
export interface ListedTwin {
  readonly sequence: number;
  readonly document: JsonObject;
}

export interface RegistryOptions {
  readonly hubName: string;
  readonly log: EventLog;
  /** Milliseconds since 1970, with a fraction. */
  readonly now?: () => number;
}

export class Registry {
  readonly #devices = new Map<string, DeviceEntry>();
  readonly #hubName: string;
  readonly #log: EventLog;
  readonly #now: () => number;
  #sequence = 0;

  constructor(options: RegistryOptions) {
    this.#hubName = options.hubName;
    this.#log = options.log;
    this.#now = options.now ?? preciseNow;
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

  /** The twins of all devices, registered after `sequence`, in that order. */
  *deviceTwins(sequence = -1): Iterable<ListedTwin> {
    for (const [deviceId, device] of this.#devices) {
      if (device.sequence > sequence) yield { sequence: device.sequence, document: renderWhole({ deviceId }, device) };
    }
  }

  /** The twins of all modules after the given place: device by device, each device's modules in order of registration. */
  *moduleTwins(deviceSequence = -1, sequence = -1): Iterable<ListedTwin & { readonly deviceSequence: number }> {
    for (const [deviceId, device] of this.#devices) {
      if (device.sequence < deviceSequence) continue;
      for (const [moduleId, module] of device.modules) {
        if (device.sequence === deviceSequence && module.sequence <= sequence) continue;
        const document = renderWhole({ deviceId, moduleId }, module);
        yield { deviceSequence: device.sequence, sequence: module.sequence, document };
      }
    }
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
      this.#emit({ deviceId, moduleId }, 'createDeviceIdentity', module, now);
    }
  }

  #deleteModule(deviceId: string, device: DeviceEntry, moduleId: string, now: number): void {
    const module = device.modules.get(moduleId);
    if (module === undefined) return;
    device.modules.delete(moduleId);
    this.#emit({ deviceId, moduleId }, 'deleteDeviceIdentity', module, now);
  }

  #keep(target: Target, entry: Entry, twin: Twin, opType: OpType, body: JsonObject, now: number): JsonObject {
    entry.twin = twin;
    this.#log.append(hubEvent(this.#hubName, target, opType, body, now));
    return renderWhole(target, entry);
  }

  #emit(target: Target, opType: OpType, entry: Entry, now: number): void {
    this.#log.append(hubEvent(this.#hubName, target, opType, renderForEvent(target, entry.twin), now));
  }
}

/** A twin as `GET /twins/…` and queries show it. */
function renderWhole(target: Target, entry: Entry): JsonObject {
  return {
    ...target,
    etag: etagOf(entry.twin),
    ...renderTwinIdentity(entry.identity),
    ...renderTwin(entry.twin),
    ...(target.moduleId === undefined ? { capabilities: { iotEdge: entry.identity.iotEdge } } : {}),
  };
}

/** A twin as events that carry all of it show it. */
function renderForEvent(target: Target, twin: Twin): JsonObject {
  return { ...target, etag: etagOf(twin), ...renderTwin(twin) };
}
