import type { DriftRow } from '../drift/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import { getAt, jsonEquals, parsePath, type Twin } from '../twin/index.ts';
import { requiredProperties } from './missing-baseline.ts';

/** What is known about the device of a row. `device` and `twin` are absent when the hub was not asked. */
export interface KnownState {
  readonly device?: Device;
  /** The present twin of the row's module. */
  readonly twin?: Twin | undefined;
}

/**
 * Whether the policies still demand what an open row records. False when the policy or its rule was taken out, when the policy is about
 * another module now, or when the device is not in its scope. Without `known`, the scope is tested by the device id alone. Pure.
 *
 * Call this function with a twin only for a row whose drift the plan does not find in the twin.
 */
export function isInForce(row: DriftRow, policies: readonly Policy[], { device, twin }: KnownState = {}): boolean {
  const policy = policies.find(({ name }) => name === row.policy);
  if (policy === undefined || policy.module !== row.moduleId || !policy.scope.mayMatchId(row.deviceId)) return false;
  if (device !== undefined && !isInScope(policy, device)) return false;
  if (!demands(policy, row)) return false;
  return twin === undefined || !isUnchanged(row, twin);
}

/** Whether the policy has a demand that can lead to a row of this kind at this path. */
function demands(policy: Policy, { kind, path }: DriftRow): boolean {
  switch (kind) {
    case 'missingModule':
      return policy.createModule;
    case 'missingBaseline':
      return requiredProperties(policy).length > 0;
    case 'missingProperty':
    case 'wrongValue':
    case 'forbiddenProperty':
      return policy.owned.some(({ text }) => text === path);
    case 'notReported':
      return policy.reported !== undefined;
    case 'custom':
      return policy.evaluate !== undefined;
    default:
      return true;
  }
}

/** Whether the twin still holds the value of the row. When the plan finds no drift in this value, the rule has changed. */
function isUnchanged({ kind, path, actual }: DriftRow, { desired }: Twin): boolean {
  const isAboutValue = kind === 'missingProperty' || kind === 'wrongValue' || kind === 'forbiddenProperty';
  return isAboutValue && jsonEquals(getAt(desired.properties, parsePath(path)), actual);
}

/** Whether the device is in the scope of the policy. True when the scope function throws, because the plan records that error. */
function isInScope(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return true;
  }
}
