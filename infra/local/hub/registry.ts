/**
 * The hub's registry: the identities and twins of devices and modules, in memory. It appends an event to the log when an identity is
 * created or deleted, and when a twin changes.
 *
 * Every method is atomic: it is synchronous, and checks the whole request before it changes anything.
 */
import { preciseNow } from './clock.ts';
import { HubError, invalid, preview } from './errors.ts';
import { checkIfMatch, type IfMatch } from './etag.ts';
import type { EventLog } from './event-log.ts';
import { hubEvent, type OpType } from './hub-events.ts';
import { type Identity, type IdentityWrite, renderDevice, renderModule, writeIdentity } from './identity.ts';
import { checkTarget, notFound, type Target } from './ids.ts';
import type { JsonObject } from './json.ts';
import { LaggingView } from './lagging-view.ts';
import { type RegisteredDevices, renderWhole } from './registered-twin.ts';
import {
  type AuthoredWrite,
  etagOf,
  newTwin,
  patchReported,
  patchTwin,
  renderTwin,
  replaceTwin,
  type Twin,
  type TwinWrite,
  type WriteAuthor,
  writeAuthored,
} from './twin.ts';

/** IoT Hub's limit: "Maximum number of modules that can be registered per device: 50" (IoT Hub quotas). */
export const maxModulesPerDevice = 50;

const edgeModuleIds = ['$edgeAgent', '$edgeHub'] as const;

interface Entry {
  /** A number that increases with each registration. Lists of twins use it as the position of the entry. */
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
  /** Returns the current time in milliseconds since 1970, with a fraction. */
  readonly now?: () => number;
  /** Age of the registry state that queries see, in milliseconds. Default: 0. */
  readonly queryLag?: number;
}

export class Registry {
  readonly #devices = new Map<string, DeviceEntry>();
  readonly #hubName: string;
  readonly #log: EventLog;
  readonly #now: () => number;
  readonly #laggingView: LaggingView | undefined;
  #sequence = 0;

  constructor(options: RegistryOptions) {
    this.#hubName = options.hubName;
    this.#log = options.log;
    this.#now = options.now ?? preciseNow;
    const { queryLag = 0 } = options;
    if (!(queryLag >= 0)) throw new RangeError(`queryLag must be 0 or more milliseconds, not ${queryLag}.`);
    this.#laggingView = queryLag === 0 ? undefined : new LaggingView(queryLag);
  }

  /**
   * Registers a device or module and creates its twin. Throws 409 if the device or module already exists, 404 if the module's device does
   * not exist, 413 if the device already has 50 modules, and 400 if the twin exceeds the twin limits.
   */
  create(target: Target, identity: IdentityWrite, twin: TwinWrite = {}): JsonObject {
    checkTarget(target);
    const now = this.#now();
    const { deviceId, moduleId } = target;
    if (moduleId === undefined) {
      if (this.#devices.has(deviceId))
        throw new HubError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
      const device: DeviceEntry = { ...this.#newEntry(target, identity, twin, now), modules: new Map() };
      this.#devices.set(deviceId, device);
      this.#laggingView?.record(now, target, device);
      this.#emit(target, 'createDeviceIdentity', device, now);
      if (device.identity.iotEdge) this.#addEdgeModules(deviceId, device, now);
      return renderDevice(deviceId, device.identity);
    }
    if (moduleId.startsWith('$'))
      throw invalid(`The moduleId ${preview(moduleId)} begins with $: IoT Hub keeps such ids for its own modules`);
    const device = this.#device(deviceId);
    if (device.modules.has(moduleId)) {
      const message = `Device ${deviceId} in IotHub ${this.#hubName} already contains Module ${moduleId}.`;
      throw new HubError('ModuleAlreadyExistsOnDevice', message);
    }
    if (device.modules.size >= maxModulesPerDevice) {
      const message = `Device ${deviceId} has ${device.modules.size} modules, the limit is ${maxModulesPerDevice}`;
      throw new HubError('TooManyModulesOnDevice', message);
    }
    const module = this.#newEntry(target, identity, twin, now);
    device.modules.set(moduleId, module);
    this.#laggingView?.record(now, target, module);
    this.#emit(target, 'createDeviceIdentity', module, now);
    return renderModule(deviceId, moduleId, module.identity);
  }

  /** Updates an identity. Throws 404 if the identity does not exist, and 412 if its ETag does not match. */
  update(target: Target, write: IdentityWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkIfMatch(ifMatch, entry.identity.etag);
    const now = this.#now();
    const wasEdge = entry.identity.iotEdge;
    entry.identity = writeIdentity(target, write, entry.identity, now);
    this.#laggingView?.record(now, target, entry);
    if (target.moduleId !== undefined) return renderModule(target.deviceId, target.moduleId, entry.identity);
    const device = this.#device(target.deviceId);
    if (!wasEdge && entry.identity.iotEdge) this.#addEdgeModules(target.deviceId, device, now);
    if (wasEdge && !entry.identity.iotEdge) {
      for (const moduleId of edgeModuleIds) this.#deleteModule(target.deviceId, device, moduleId, now);
    }
    return renderDevice(target.deviceId, entry.identity);
  }

  /** Reads an identity. Throws 404 if the identity does not exist. */
  read(target: Target): JsonObject {
    checkTarget(target);
    const { identity } = this.#entry(target);
    return target.moduleId === undefined
      ? renderDevice(target.deviceId, identity)
      : renderModule(target.deviceId, target.moduleId, identity);
  }

  /**
   * Deletes an identity and its twin. The deletion of a device also deletes all modules of the device. Throws 404 if the identity does not
   * exist, and 412 if its ETag does not match.
   */
  delete(target: Target, ifMatch: IfMatch): void {
    checkTarget(target);
    checkIfMatch(ifMatch, this.#entry(target).identity.etag);
    const now = this.#now();
    const device = this.#device(target.deviceId);
    if (target.moduleId !== undefined) {
      this.#deleteModule(target.deviceId, device, target.moduleId, now);
      return;
    }
    // The deletion of a device causes one event. The device's modules cause no events, because Azure's documentation mentions none for
    // them.
    this.#devices.delete(target.deviceId);
    this.#laggingView?.record(now, target, undefined);
    this.#emit(target, 'deleteDeviceIdentity', device, now);
  }

  /** The identities of the first `top` devices, in order of registration. */
  list(top: number): readonly JsonObject[] {
    const found: JsonObject[] = [];
    for (const [deviceId, device] of this.#devices) {
      if (found.length >= top) break;
      found.push(renderDevice(deviceId, device.identity));
    }
    return found;
  }

  /** The identities of all modules of a device. Throws 404 if the device does not exist. */
  listModules(deviceId: string): readonly JsonObject[] {
    checkTarget({ deviceId });
    return [...this.#device(deviceId).modules].map(([moduleId, { identity }]) =>
      renderModule(deviceId, moduleId, identity),
    );
  }

  /** Reads a twin. Throws 404 if the twin's device or module does not exist. */
  readTwin(target: Target): JsonObject {
    checkTarget(target);
    return renderWhole(target, this.#entry(target));
  }

  /**
   * Merges a write into a twin (PATCH). Throws 404 if the twin does not exist, 412 if its ETag does not match, and 400 if the twin would
   * exceed the twin limits. Throws 401 for a module of IoT Edge itself: only a deployment may write its twin.
   */
  patchTwin(target: Target, write: TwinWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkNotEdge(target);
    checkIfMatch(ifMatch, etagOf(entry.twin));
    const now = this.#now();
    const { twin, change } = patchTwin(entry.twin, write, now);
    return this.#storeTwin(target, entry, twin, 'updateTwin', change, now);
  }

  /** Replaces the tags and desired properties of a twin (PUT). Throws the same errors as `patchTwin`. */
  replaceTwin(target: Target, write: TwinWrite, ifMatch: IfMatch): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    checkNotEdge(target);
    checkIfMatch(ifMatch, etagOf(entry.twin));
    const now = this.#now();
    const twin = replaceTwin(entry.twin, write, now);
    return this.#storeTwin(target, entry, twin, 'replaceTwin', renderForEvent(target, twin), now);
  }

  /** Makes the write of a configuration. Throws 404 if the twin does not exist, and 400 if the twin would exceed the twin limits. */
  applyConfiguration(target: Target, write: AuthoredWrite, author: WriteAuthor): void {
    const entry = this.#entry(target);
    const now = this.#now();
    const { twin, change } = writeAuthored(entry.twin, write, author, now);
    this.#storeTwin(target, entry, twin, 'updateTwin', change, now);
  }

  /**
   * Merges a patch into the reported properties of a twin, as a device does. Throws 404 if the twin does not exist, and 400 if the twin
   * would exceed the twin limits.
   */
  report(target: Target, patch: JsonObject): JsonObject {
    checkTarget(target);
    const entry = this.#entry(target);
    const now = this.#now();
    const { twin, change } = patchReported(entry.twin, patch, now);
    return this.#storeTwin(target, entry, twin, 'updateTwin', change, now);
  }

  /** The devices as they are now. The returned map changes when the registry changes. */
  get devices(): RegisteredDevices {
    return this.#devices;
  }

  /** The devices as queries see them. The returned map changes when the registry changes. */
  get queryView(): RegisteredDevices {
    return this.#laggingView?.devicesAt(this.#now()) ?? this.#devices;
  }

  /** The body of the response of `GET /statistics/devices`. */
  statistics(): JsonObject {
    let enabled = 0;
    for (const { identity } of this.#devices.values()) if (identity.status === 'enabled') enabled += 1;
    const total = this.#devices.size;
    return { totalDeviceCount: total, enabledDeviceCount: enabled, disabledDeviceCount: total - enabled };
  }

  #newEntry(target: Target, identity: IdentityWrite, twin: TwinWrite, now: number): Entry {
    // `newTwin` may throw, so the sequence number is increased only after this call.
    const entry = { identity: writeIdentity(target, identity, undefined, now), twin: newTwin(twin, now) };
    this.#sequence += 1;
    return { sequence: this.#sequence, ...entry };
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
    for (const moduleId of edgeModuleIds) {
      if (device.modules.has(moduleId)) continue;
      const module = this.#newEntry({ deviceId, moduleId }, { managedBy: 'iotEdge' }, {}, now);
      device.modules.set(moduleId, module);
      this.#laggingView?.record(now, { deviceId, moduleId }, module);
      this.#emit({ deviceId, moduleId }, 'createDeviceIdentity', module, now);
    }
  }

  #deleteModule(deviceId: string, device: DeviceEntry, moduleId: string, now: number): void {
    const module = device.modules.get(moduleId);
    if (module === undefined) return;
    device.modules.delete(moduleId);
    this.#laggingView?.record(now, { deviceId, moduleId }, undefined);
    this.#emit({ deviceId, moduleId }, 'deleteDeviceIdentity', module, now);
  }

  #storeTwin(target: Target, entry: Entry, twin: Twin, opType: OpType, body: JsonObject, now: number): JsonObject {
    entry.twin = twin;
    this.#laggingView?.record(now, target, entry);
    this.#log.append(hubEvent(this.#hubName, target, opType, body, now));
    return renderWhole(target, entry);
  }

  #emit(target: Target, opType: OpType, entry: Entry, now: number): void {
    this.#log.append(hubEvent(this.#hubName, target, opType, renderForEvent(target, entry.twin), now));
  }
}

function checkNotEdge({ moduleId }: Target): void {
  if (edgeModuleIds.some((id) => id === moduleId))
    throw new HubError('IotHubUnauthorizedAccess', `Only a deployment of IoT Edge may write the twin of ${moduleId}`);
}

/** The twin document in the body of lifecycle events and of `replaceTwin` events. */
function renderForEvent(target: Target, twin: Twin): JsonObject {
  return { ...target, etag: etagOf(twin), ...renderTwin(twin) };
}
