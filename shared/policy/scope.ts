import { isJsonObject, type Json, type JsonObject, jsonEquals } from '../twin/index.ts';
import { globPieces, toGlobTest } from './glob.ts';

/** The facts about a device that decide which policies apply to it. */
export interface Device {
  readonly deviceId: string;
  /** The tags of the device twin. The tags of module twins are not used. */
  readonly tags: JsonObject;
  /** True for an IoT Edge device. */
  readonly edge: boolean;
}

/**
 * The devices to which a policy applies. A device must match every field of the scope. A field that is missing in the scope matches every
 * device.
 */
export interface Scope {
  /** Tags that the device twin must have with these values. The device twin may have more tags, and more keys in nested objects. */
  readonly tags?: JsonObject;
  readonly edge?: boolean;
  /** A case-sensitive pattern for the device id. `*` matches any number of any characters. `\*` matches an asterisk. */
  readonly deviceId?: string;
}

/** A scope, or a function that returns true for each device to which the policy applies. */
export type AppliesTo = Scope | ((device: Device) => boolean);

/** The scope of a policy in a form that decides quickly whether the policy applies to a device. */
export interface ScopeMatcher {
  /** False when the device id alone shows that the policy does not apply. When true, {@link matches} must decide. */
  mayMatchId(deviceId: string): boolean;
  /** True when the policy applies to the device. When the scope is a function that throws, this method throws the same error. */
  matches(device: Device): boolean;
  /** True when the scope depends on the device id only. The caller then need not read the device twin. */
  readonly usesIdOnly: boolean;
  /** The scope as the author of the policy wrote it. `undefined` when the author wrote a function. */
  readonly definition: Scope | undefined;
  /**
   * The pattern for the device id, split at its asterisks. A list of one text means a whole device id without an asterisk. `undefined`
   * when the scope has no pattern.
   */
  readonly idPieces: readonly string[] | undefined;
}

/** Makes a {@link ScopeMatcher} of a scope. The matcher of `undefined` matches every device. */
export function toScopeMatcher(appliesTo: AppliesTo | undefined): ScopeMatcher {
  if (typeof appliesTo === 'function') {
    return {
      mayMatchId: () => true,
      matches: (device) => appliesTo(device) === true,
      usesIdOnly: false,
      definition: undefined,
      idPieces: undefined,
    };
  }
  const { tags, edge, deviceId } = appliesTo ?? {};
  const idPieces = deviceId === undefined ? undefined : globPieces(deviceId);
  const mayMatchId = idPieces === undefined ? () => true : toGlobTest(idPieces);
  return {
    mayMatchId,
    matches: (device) =>
      mayMatchId(device.deviceId) &&
      (edge === undefined || edge === device.edge) &&
      (tags === undefined || containsTags(device.tags, tags)),
    usesIdOnly: tags === undefined && edge === undefined,
    definition: appliesTo ?? {},
    idPieces,
  };
}

/**
 * True when certainly no device matches both scopes, because `edge` or a tag differs. False in all other cases, also when a scope is a
 * function.
 */
export function areDisjoint(left: AppliesTo | undefined, right: AppliesTo | undefined): boolean {
  if (typeof left === 'function' || typeof right === 'function' || !left || !right) return false;
  if (left.edge !== undefined && right.edge !== undefined && left.edge !== right.edge) return true;
  return left.tags !== undefined && right.tags !== undefined && contradict(left.tags, right.tags);
}

function contradict(left: JsonObject, right: JsonObject): boolean {
  return Object.entries(left).some(([key, value]) => {
    if (!Object.hasOwn(right, key)) return false;
    const other = right[key];
    if (isJsonObject(value) && isJsonObject(other)) return contradict(value, other);
    return !jsonEquals(value, other);
  });
}

function containsTags(actual: Json | undefined, wanted: JsonObject): boolean {
  if (!isJsonObject(actual)) return false;
  return Object.entries(wanted).every(([key, value]) => {
    const found = Object.hasOwn(actual, key) ? actual[key] : undefined;
    return isJsonObject(value) ? containsTags(found, value) : jsonEquals(found, value);
  });
}
