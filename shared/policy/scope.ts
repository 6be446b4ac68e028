import { deepFreeze, isJsonObject, type Json, type JsonObject, jsonEquals } from '../twin/index.ts';
import { runCustomCode } from './custom-code-limit.ts';
import { globPieces, toGlobTest } from './glob.ts';

/** The facts about a device that decide which policies apply to it. */
export interface Device {
  readonly deviceId: string;
  /** The tags of the device twin. The tags of module twins are not used. */
  readonly tags: JsonObject;
  /** True for an IoT Edge device. */
  readonly edge: boolean;
}

/** Conditions for a device. A device must match every field. A field that is missing matches every device. */
export interface ScopeParts {
  /**
   * Tags that the device twin must have. A list of values means that one of them must be there. The device twin may have more tags, and
   * more keys in nested objects.
   */
  readonly tags?: JsonObject;
  readonly edge?: boolean;
  /**
   * A case-sensitive pattern for the device id, or a list of patterns of which one must match. `*` matches any number of any characters.
   * `\*` matches an asterisk.
   */
  readonly deviceId?: string | readonly string[];
}

/** The devices to which a policy applies. */
export interface Scope extends ScopeParts {
  /** The devices to leave out: those that match all of these parts. With a list, those that match one entry of the list. */
  readonly not?: ScopeParts | readonly ScopeParts[];
}

/** A scope, or a function that returns true for each device to which the policy applies. */
export type AppliesTo = Scope | ((device: Device) => boolean);

/** The scope of a policy in a form that decides quickly whether the policy applies to a device. */
export interface ScopeMatcher {
  /** False when the device id alone shows that the policy does not apply. When true, {@link matches} must decide. */
  mayMatchId(deviceId: string): boolean;
  /**
   * True when the policy applies to the device. When the scope is a function that throws, this method throws the same error. When the
   * function takes too long, this method throws too.
   */
  matches(device: Device): boolean;
  /** True when the scope depends on the device id only. The caller then need not read the device twin. */
  readonly usesIdOnly: boolean;
  /** The scope as the author of the policy wrote it. `undefined` when the author wrote a function. */
  readonly definition: Scope | undefined;
}

/**
 * Makes a {@link ScopeMatcher} of a scope. The matcher of `undefined` matches every device.
 *
 * @param policy The name of the policy, for errors of a scope that is a function.
 */
export function toScopeMatcher(appliesTo: AppliesTo | undefined, policy = ''): ScopeMatcher {
  if (typeof appliesTo === 'function') {
    return {
      mayMatchId: () => true,
      matches: (device) => {
        const { deviceId, tags, edge } = deepFreeze(device);
        const call = { policy, functionName: 'appliesTo', deviceId, state: JSON.stringify([tags, edge]) } as const;
        return runCustomCode(call, appliesTo, () => appliesTo(device) === true);
      },
      usesIdOnly: false,
      definition: undefined,
    };
  }
  const scope = appliesTo ?? {};
  const wanted = toPartsMatcher(scope);
  const excluded = excludedParts(scope).map(toPartsMatcher);
  const excludedById = excluded.filter(({ usesIdOnly }) => usesIdOnly);
  return {
    mayMatchId: (id) => wanted.matchesId(id) && !excludedById.some(({ matchesId }) => matchesId(id)),
    matches: (device) => wanted.matches(device) && !excluded.some(({ matches }) => matches(device)),
    usesIdOnly: [wanted, ...excluded].every(({ usesIdOnly }) => usesIdOnly),
    definition: scope,
  };
}

/** The field `not` of a scope as a list. */
export function excludedParts({ not }: Scope): readonly ScopeParts[] {
  return not === undefined ? [] : [not].flat();
}

/** The patterns for device ids of a scope, each split at its asterisks as `globPieces` does. `undefined` when every id matches. */
export function idPatterns({ deviceId }: ScopeParts): readonly (readonly string[])[] | undefined {
  return deviceId === undefined ? undefined : [deviceId].flat().map(globPieces);
}

/** The values of which a tag must have one. */
export function tagOptions(wanted: Json): readonly Json[] {
  return Array.isArray(wanted) ? wanted : [wanted];
}

function toPartsMatcher(parts: ScopeParts) {
  const { tags, edge } = parts;
  const tests = idPatterns(parts)?.map(toGlobTest);
  const matchesId = (id: string) => tests?.some((test) => test(id)) ?? true;
  return {
    matchesId,
    usesIdOnly: tags === undefined && edge === undefined,
    matches: (device: Device) =>
      matchesId(device.deviceId) &&
      (edge === undefined || edge === device.edge) &&
      (tags === undefined || containsTags(device.tags, tags)),
  };
}

function containsTags(actual: Json | undefined, wanted: JsonObject): boolean {
  if (!isJsonObject(actual)) return false;
  return Object.entries(wanted).every(([key, value]) => {
    const found = Object.hasOwn(actual, key) ? actual[key] : undefined;
    return tagOptions(value).some((option) =>
      isJsonObject(option) ? containsTags(found, option) : jsonEquals(found, option),
    );
  });
}
