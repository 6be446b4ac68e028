/** The registry's entries of devices and modules, and the twin documents of reads and queries. */
import { type Identity, renderTwinIdentity } from './identity.ts';
import type { Target } from './ids.ts';
import type { JsonObject } from './json.ts';
import { etagOf, renderTwin, type Twin } from './twin.ts';

export interface Registered {
  /** A number that increases with each registration. Listings use it as their position. */
  readonly sequence: number;
  readonly identity: Identity;
  readonly twin: Twin;
}

export interface RegisteredDevice extends Registered {
  readonly modules: ReadonlyMap<string, Registered>;
}

/** Devices by device id, in order of registration. */
export type RegisteredDevices = ReadonlyMap<string, RegisteredDevice>;

/** A twin in a listing. `cursor` is its position in order of registration: the device's sequence, then the module's for a module twin. */
export interface ListedTwin {
  readonly target: Target;
  readonly registered: Registered;
  readonly cursor: readonly number[];
}

/** All device twins after the cursor `after`, in order of registration. */
export function* deviceTwins(devices: RegisteredDevices, after: readonly number[] = []): Iterable<ListedTwin> {
  const [sequence = -1] = after;
  for (const [deviceId, device] of devices) {
    if (device.sequence > sequence) yield { target: { deviceId }, registered: device, cursor: [device.sequence] };
  }
}

/** All module twins after the cursor `after`: by device in order of registration, then by module in order of registration. */
export function* moduleTwins(devices: RegisteredDevices, after: readonly number[] = []): Iterable<ListedTwin> {
  const [deviceSequence = -1, sequence = -1] = after;
  for (const [deviceId, device] of devices) {
    if (device.sequence < deviceSequence) continue;
    for (const [moduleId, module] of device.modules) {
      if (device.sequence === deviceSequence && module.sequence <= sequence) continue;
      yield { target: { deviceId, moduleId }, registered: module, cursor: [device.sequence, module.sequence] };
    }
  }
}

/** The twin document of `GET /twins/…` and of `SELECT *`. */
export function renderWhole(target: Target, { identity, twin }: Registered): JsonObject {
  return {
    ...target,
    etag: etagOf(twin),
    ...renderTwinIdentity(identity),
    ...renderTwin(twin),
    ...(target.moduleId === undefined ? { capabilities: { iotEdge: identity.iotEdge } } : {}),
  };
}

/**
 * The part of {@link renderWhole} that most query conditions need: ids, tags, capabilities and properties, without metadata and
 * versions. Copies no values, because a query may check a hundred thousand twins.
 */
export function renderValues({ deviceId, moduleId }: Target, { identity, twin }: Registered): JsonObject {
  const properties = { desired: twin.desired.values, reported: twin.reported.values };
  const tags = twin.tags === undefined ? {} : { tags: twin.tags };
  if (moduleId === undefined) return { deviceId, ...tags, properties, capabilities: { iotEdge: identity.iotEdge } };
  return { deviceId, moduleId, ...tags, properties };
}

/** Whether {@link renderValues} includes this path. */
export function isAmongValues([top, section, key]: readonly string[]): boolean {
  if (top !== 'properties') return top !== undefined && ['deviceId', 'moduleId', 'tags', 'capabilities'].includes(top);
  if (section === undefined) return true;
  return (section === 'desired' || section === 'reported') && key !== '$metadata' && key !== '$version';
}
