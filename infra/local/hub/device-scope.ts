/**
 * The scopes of devices, by which IoT Edge devices are parents of other devices. An IoT Edge device has a scope of its own, which never
 * changes. Another device has the scope of its parent. Source: the properties `DeviceScope` and `ParentScopes` of `Device` in the .NET SDK.
 */
import { invalid, preview } from './errors.ts';
import type { JsonObject } from './json.ts';

export interface DeviceScopes {
  readonly deviceScope: string | null;
  /** The scope of the parent, if the device has one: none or one text. */
  readonly parentScopes: readonly string[];
}

/** The scopes that a request writes. A missing field keeps its value. An empty text or list removes the parent. */
export interface ScopesWrite {
  readonly deviceScope?: string;
  readonly parentScopes?: readonly string[];
}

const scopePattern = /^ms-azure-iot-edge:\/\/.+-\d+$/;

/** Reads the scopes from the request body of a device. Throws 400 if a field is invalid. */
export function readScopes({ deviceScope, parentScopes }: JsonObject): ScopesWrite {
  for (const scope of [deviceScope, ...(Array.isArray(parentScopes) ? parentScopes : [])]) {
    if (scope === undefined || scope === null || scope === '') continue;
    if (typeof scope !== 'string' || !scopePattern.test(scope))
      throw invalid(`A device scope must look like ms-azure-iot-edge://ID-TICKS, not ${preview(scope)}`);
  }
  if (parentScopes !== undefined && parentScopes !== null && !(Array.isArray(parentScopes) && parentScopes.length <= 1))
    throw invalid(`parentScopes must be a list of at most one scope, not ${preview(parentScopes)}`);
  return {
    ...(typeof deviceScope === 'string' ? { deviceScope } : {}),
    ...(Array.isArray(parentScopes) ? { parentScopes: parentScopes.filter((scope) => typeof scope === 'string') } : {}),
  };
}

/** The scope of a device before a write, and whether the device was an IoT Edge device. */
interface ScopedDevice extends DeviceScopes {
  readonly iotEdge: boolean;
}

/**
 * Returns the scopes of a device after a write. Ignores a scope that is written to an IoT Edge device, as IoT Hub does. `ticks` is the time
 * of the write as .NET counts it.
 */
export function writeScopes(
  deviceId: string,
  iotEdge: boolean,
  write: ScopesWrite,
  before: ScopedDevice | undefined,
  ticks: string,
): DeviceScopes {
  if (iotEdge) {
    const own = before?.iotEdge ? before.deviceScope : `ms-azure-iot-edge://${deviceId}-${ticks}`;
    return { deviceScope: own, parentScopes: write.parentScopes ?? before?.parentScopes ?? [] };
  }
  const kept = before?.iotEdge ? undefined : before?.deviceScope;
  const parent = write.deviceScope ?? write.parentScopes?.[0] ?? (write.parentScopes === undefined ? kept : undefined);
  return parent ? { deviceScope: parent, parentScopes: [parent] } : { deviceScope: null, parentScopes: [] };
}

/** The fields of a device's scopes in identities and twins. A device without a scope has no fields. */
export function renderScopes({ deviceScope, parentScopes }: DeviceScopes): JsonObject {
  return deviceScope === null ? {} : { deviceScope, parentScopes };
}
