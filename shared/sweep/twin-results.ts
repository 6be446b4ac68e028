import type { Device, Policy } from '../policy/index.ts';
import { isJsonObject, type JsonObject } from '../twin/index.ts';
import { compileScope } from './where/index.ts';

/** A device in the results of a query. `version`: the version of its twin, where the query returns one. */
export interface FoundDevice {
  readonly deviceId: string;
  readonly version?: unknown;
}

/** Whether the device ids alone are enough as query results. If not, the query must return whole twins, so that the scope can be tested. */
export function idsSuffice(policy: Policy): boolean {
  return policy.scope.usesIdOnly || compileScope(policy).exact;
}

/** Changes a query for device ids into a query that returns the whole twins. */
export function selectWholeTwins(query: string): string {
  return query.replace(/^SELECT deviceId(, version)? /, 'SELECT * ');
}

/** Builds a device from a twin that a query returned. */
export function toDevice({ tags, capabilities }: JsonObject, deviceId: string): Device {
  return {
    deviceId,
    tags: isJsonObject(tags) ? tags : {},
    edge: isJsonObject(capabilities) && capabilities.iotEdge === true,
  };
}

/** Returns a list with the device id of one query result. The list is empty where the result has no device id. */
export function deviceIdsOf({ deviceId }: JsonObject): readonly string[] {
  return typeof deviceId === 'string' ? [deviceId] : [];
}

/** Returns the device of one query result, with the version of its twin. The list is empty where the result has no device id. */
export function foundIn(item: JsonObject): readonly FoundDevice[] {
  return deviceIdsOf(item).map((deviceId) => ({ deviceId, version: item.version }));
}
