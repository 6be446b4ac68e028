/** What the registry keeps of a device or module, and the twin documents that reads and queries make of it. */

import { type Identity, renderTwinIdentity } from './identity.ts';
import type { Target } from './ids.ts';
import type { JsonObject } from './json.ts';
import { etagOf, renderTwin, type Twin } from './twin.ts';

export interface Registered {
  /** Grows with each registration, so that a listing can go on where it stopped. */
  readonly sequence: number;
  readonly identity: Identity;
  readonly twin: Twin;
}

export interface RegisteredDevice extends Registered {
  readonly modules: ReadonlyMap<string, Registered>;
}

/** Devices by id, in order of registration. */
export type RegisteredDevices = ReadonlyMap<string, RegisteredDevice>;

/** A twin with its place in the order of registration: its device's sequence, then its own if it is a module's. */
export interface ListedTwin {
  readonly target: Target;
  readonly registered: Registered;
  readonly place: readonly number[];
}

/** The twins of all devices after the given place, in order of registration. */
export function* deviceTwins(devices: RegisteredDevices, after: readonly number[] = []): Iterable<ListedTwin> {
  const [sequence = -1] = after;
  for (const [deviceId, device] of devices) {
    if (device.sequence > sequence) yield { target: { deviceId }, registered: device, place: [device.sequence] };
  }
}

/** The twins of all modules after the given place: device by device, each device's modules in order of registration. */
export function* moduleTwins(devices: RegisteredDevices, after: readonly number[] = []): Iterable<ListedTwin> {
  const [deviceSequence = -1, sequence = -1] = after;
  for (const [deviceId, device] of devices) {
    if (device.sequence < deviceSequence) continue;
    for (const [moduleId, module] of device.modules) {
      if (device.sequence === deviceSequence && module.sequence <= sequence) continue;
      yield { target: { deviceId, moduleId }, registered: module, place: [device.sequence, module.sequence] };
    }
  }
}

/** A twin as `GET /twins/…` and queries show it. */
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
 * The part of {@link renderWhole} that most conditions are about: ids, tags, capabilities and properties, without the metadata and
 * versions beside those. Copies nothing, so that a query can look into a hundred thousand twins.
 */
export function renderValues({ deviceId, moduleId }: Target, { identity, twin }: Registered): JsonObject {
  const properties = { desired: twin.desired.values, reported: twin.reported.values };
  const tags = twin.tags === undefined ? {} : { tags: twin.tags };
  if (moduleId === undefined) return { deviceId, ...tags, properties, capabilities: { iotEdge: identity.iotEdge } };
  return { deviceId, moduleId, ...tags, properties };
}

/** Whether {@link renderValues} shows what is at this path. */
export function isAmongValues([top, section, key]: readonly string[]): boolean {
  if (top !== 'properties') return top !== undefined && ['deviceId', 'moduleId', 'tags', 'capabilities'].includes(top);
  if (section === undefined) return true;
  return (section === 'desired' || section === 'reported') && key !== '$metadata' && key !== '$version';
}
