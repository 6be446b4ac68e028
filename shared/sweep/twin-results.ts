import type { Device, Policy } from '../policy/index.ts';
import { isJsonObject, type JsonObject } from '../twin/index.ts';
import { compileScope } from './where/index.ts';

/** Whether a query for a policy's devices needs to return only their ids. Otherwise the scope is tested on the whole twin. */
export function idsSuffice(policy: Policy): boolean {
  return policy.scope.usesIdOnly || compileScope(policy).exact;
}

/** Changes a query for device ids into the same query for whole twins. */
export function selectWholeTwins(query: string): string {
  return query.replace(/^SELECT deviceId /, 'SELECT * ');
}

/** Builds a device from its twin in a query result. */
export function toDevice({ tags, capabilities }: JsonObject, deviceId: string): Device {
  return {
    deviceId,
    tags: isJsonObject(tags) ? tags : {},
    edge: isJsonObject(capabilities) && capabilities.iotEdge === true,
  };
}

/** The device id of one query result, in a list. The list is empty where the result has no device id. */
export function deviceIdsOf({ deviceId }: JsonObject): readonly string[] {
  return typeof deviceId === 'string' ? [deviceId] : [];
}
