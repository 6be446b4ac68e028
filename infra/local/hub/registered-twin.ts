/** The registry's entries of devices and modules, and the twin documents that reads and queries return. */
import { renderScopes } from './device-scope.ts';
import { type Identity, renderTwinIdentity } from './identity.ts';
import type { Target } from './ids.ts';
import type { JsonObject } from './json.ts';
import { etagOf, renderTwin, type Twin } from './twin.ts';

export interface Registered {
  /** A number that increases with each registration. Lists of twins use it as the position of the entry. */
  readonly sequence: number;
  readonly identity: Identity;
  readonly twin: Twin;
}

export interface RegisteredDevice extends Registered {
  readonly modules: ReadonlyMap<string, Registered>;
}

/** The registry's devices by device id, in order of registration. */
export type RegisteredDevices = ReadonlyMap<string, RegisteredDevice>;

/**
 * A twin in a list of twins. `cursor` is the twin's position in the order of registration. For a device twin, it is the device's sequence.
 * For a module twin, it is the device's sequence and then the module's sequence.
 */
export interface ListedTwin {
  readonly target: Target;
  readonly registered: Registered;
  readonly cursor: readonly number[];
}

/** All device twins after the position `after`, in order of registration. */
export function* deviceTwins(devices: RegisteredDevices, after: readonly number[] = []): Iterable<ListedTwin> {
  const [sequence = -1] = after;
  for (const [deviceId, device] of devices) {
    if (device.sequence > sequence) yield { target: { deviceId }, registered: device, cursor: [device.sequence] };
  }
}

/** All module twins after the position `after`. The order is the registration of the device, and then the registration of the module. */
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

/** The whole twin document, as `GET /twins/…` and `SELECT *` return it. */
export function renderWhole(target: Target, { identity, twin }: Registered): JsonObject {
  return {
    ...target,
    etag: etagOf(twin),
    ...renderTwinIdentity(identity),
    ...renderTwin(twin),
    ...(target.moduleId === undefined
      ? { capabilities: { iotEdge: identity.iotEdge }, ...renderScopes(identity.scopes) }
      : {}),
  };
}

/**
 * The part of a twin document that most query conditions need: ids, tags, capabilities and properties, without metadata and versions. Does
 * not copy the values, because a query may check a hundred thousand twins. {@link renderWhole} returns the whole document.
 */
export function renderValues({ deviceId, moduleId }: Target, { identity, twin }: Registered): JsonObject {
  const properties = { desired: twin.desired.values, reported: twin.reported.values };
  const tags = twin.tags === undefined ? {} : { tags: twin.tags };
  if (moduleId === undefined) return { deviceId, ...tags, properties, capabilities: { iotEdge: identity.iotEdge } };
  return { deviceId, moduleId, ...tags, properties };
}

/** Whether the result of {@link renderValues} includes this path. */
export function isAmongValues([top, section, key]: readonly string[]): boolean {
  if (top !== 'properties') return top !== undefined && ['deviceId', 'moduleId', 'tags', 'capabilities'].includes(top);
  if (section === undefined) return true;
  return (section === 'desired' || section === 'reported') && key !== '$metadata' && key !== '$version';
}
