import type { Device, Policy } from '../policy/index.ts';
import { isJsonObject, type JsonObject } from '../twin/index.ts';
import { compileScope } from './where/index.ts';

/** Whether a query that names the devices of a policy's scope needs no more than their ids to be understood. */
export function isPlain(policy: Policy): boolean {
  return policy.scope.usesIdOnly || compileScope(policy).exact;
}

/** The same query, for the whole twins. */
export function asTwins(query: string): string {
  return query.replace(/^SELECT deviceId /, 'SELECT * ');
}

/** A device from its twin as a query shows it. */
export function toDevice({ tags, capabilities }: JsonObject, deviceId: string): Device {
  return {
    deviceId,
    tags: isJsonObject(tags) ? tags : {},
    edge: isJsonObject(capabilities) && capabilities.iotEdge === true,
  };
}

/** The device that a result of a query is about; none where the hub's answer does not say. */
export function deviceIdsOf({ deviceId }: JsonObject): readonly string[] {
  return typeof deviceId === 'string' ? [deviceId] : [];
}
