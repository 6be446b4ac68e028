import type { Device, Policy } from '../policy/index.ts';
import { isJsonObject, type Json, type JsonObject, type Twin, toTwin } from '../twin/index.ts';
import { QueryRefused } from './interruption.ts';
import { compileScope, type Dialect } from './where/index.ts';

/** A device in the results of a query. `version`: the version of its twin, where the query returns one. */
export interface FoundDevice {
  readonly deviceId: string;
  readonly version?: unknown;
}

/** Whether the device ids alone are enough as query results. If not, the query must return what the scope reads. */
export function idsSuffice(policy: Policy, dialect: Dialect = 'full'): boolean {
  return policy.scope.usesIdOnly || compileScope(policy, dialect).exact;
}

/** Builds a device from a query result, which has the columns that a scope reads. */
export function toDevice(item: JsonObject, deviceId: string): Device {
  const tags = fieldOf(item, 'tags');
  return { deviceId, tags: isJsonObject(tags) ? tags : {}, edge: isEdge(item) };
}

/**
 * Builds a twin from a query result: a whole twin, or a row of selected columns. A column that the query did not select is empty.
 *
 * @throws {QueryRefused} when the result has no desired properties. Each twin has that section, so the hub did not return what the query
 *   asked for. The caller can then ask for whole twins.
 */
export function toProjectedTwin(item: JsonObject, deviceId: string, moduleId: string): Twin | undefined {
  const desired = sectionOf(item, 'desired');
  if (desired === undefined) throw new QueryRefused(`the hub returned no desired properties of the device ${deviceId}`);
  const reported = sectionOf(item, 'reported');
  const [etag, version, tags] = ['etag', 'version', 'tags'].map((name) => fieldOf(item, name));
  const twin = {
    ...(etag === undefined ? {} : { etag }),
    ...(version === undefined ? {} : { version }),
    ...(tags === undefined ? {} : { tags }),
    properties: { desired, ...(reported === undefined ? {} : { reported }) },
    capabilities: { iotEdge: isEdge(item) },
  };
  return toTwin(twin, deviceId, moduleId);
}

/** Returns a list with the device id of one query result. The list is empty where the result has no device id. */
export function deviceIdsOf(item: JsonObject): readonly string[] {
  const deviceId = fieldOf(item, 'deviceId');
  return typeof deviceId === 'string' ? [deviceId] : [];
}

/** Returns the device of one query result, with the version of its twin. The list is empty where the result has no device id. */
export function foundIn(item: JsonObject): readonly FoundDevice[] {
  return deviceIdsOf(item).map((deviceId) => ({ deviceId, version: fieldOf(item, 'version') }));
}

function sectionOf(item: JsonObject, name: 'desired' | 'reported'): JsonObject | undefined {
  const properties = fieldOf(item, 'properties');
  const section = fieldOf(item, name) ?? (isJsonObject(properties) ? properties[name] : undefined);
  return isJsonObject(section) ? section : undefined;
}

function isEdge(item: JsonObject): boolean {
  const capabilities = fieldOf(item, 'capabilities');
  return (fieldOf(item, 'iotEdge') ?? (isJsonObject(capabilities) ? capabilities.iotEdge : undefined)) === true;
}

/**
 * The value of a column. Users of the SDK saw `DeviceId` for `deviceId` among selected columns, so the case of the first letter does not
 * count (azure-iot-sdk-node, issue 355).
 */
function fieldOf(item: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(item, name)) return item[name];
  const capitalized = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return Object.hasOwn(item, capitalized) ? item[capitalized] : undefined;
}
