import { isJsonObject, type Json, type JsonObject, jsonEquals } from '../twin/index.ts';

/** What is known of a device when it is decided which policies apply to it. */
export interface Device {
  readonly deviceId: string;
  /** The tags of the device's own twin (not of a module's). */
  readonly tags: JsonObject;
  /** Whether it is an IoT Edge device. */
  readonly edge: boolean;
}

/** Which devices a policy is about: all that fit every part given. An absent part fits every device. */
export interface Scope {
  /** The device twin's tags must hold these values; objects are compared part by part. */
  readonly tags?: JsonObject;
  readonly edge?: boolean;
  /** A pattern for the device id, case-sensitive: `*` stands for any characters, `\*` for an asterisk. */
  readonly deviceId?: string;
}

export type AppliesTo = Scope | ((device: Device) => boolean);

/** A scope in the form in which it is asked. */
export interface Matcher {
  /** False rules the device out by its id alone; true leaves the rest to {@link matches}. */
  mayMatchId(deviceId: string): boolean;
  matches(device: Device): boolean;
  /** True when the id alone decides, so that no device twin need be read. */
  readonly byIdAlone: boolean;
  /** The scope as it is written; `undefined` for a predicate, into which nobody can look. */
  readonly parts: Scope | undefined;
  /** What stands between the asterisks of the pattern for the id, from the first to the last: one piece is the id itself. */
  readonly idPieces: readonly string[] | undefined;
}

/** Prepares a scope for asking. A predicate that throws counts as "does not apply" for nobody: the error goes to the caller. */
export function toMatcher(appliesTo: AppliesTo | undefined): Matcher {
  if (typeof appliesTo === 'function') {
    return {
      mayMatchId: () => true,
      matches: (device) => appliesTo(device) === true,
      byIdAlone: false,
      parts: undefined,
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
      (tags === undefined || holds(device.tags, tags)),
    byIdAlone: tags === undefined && edge === undefined,
    parts: appliesTo ?? {},
    idPieces,
  };
}

/** True when no device can be in both scopes, as far as that can be told without asking about devices. */
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

function holds(actual: Json | undefined, wanted: JsonObject): boolean {
  if (!isJsonObject(actual)) return false;
  return Object.entries(wanted).every(([key, value]) => {
    const found = Object.hasOwn(actual, key) ? actual[key] : undefined;
    return isJsonObject(value) ? holds(found, value) : jsonEquals(found, value);
  });
}

function globPieces(glob: string): readonly string[] {
  return glob.split(/(?<!\\)\*+/).map((piece) => piece.replaceAll('\\*', '*'));
}

/**
 * Matches the pieces between asterisks one after the other, each at the first place where it fits. A regular expression made of the
 * pattern would do the same, but could take for ever to find that an id does not fit.
 */
function toGlobTest(pieces: readonly string[]): (id: string) => boolean {
  const [first = '', ...others] = pieces;
  const last = others.pop();
  if (last === undefined) return (id) => id === first;
  return (id) => {
    const end = id.length - last.length;
    if (!id.startsWith(first) || !id.endsWith(last) || end < first.length) return false;
    let at = first.length;
    for (const piece of others) {
      const found = id.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
