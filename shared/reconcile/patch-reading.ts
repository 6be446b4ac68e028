import type { TwinUpdated } from '../events/index.ts';
import type { OwnedProperty, Policy, PolicySet, RuleContent } from '../policy/index.ts';
import { getAt, isJsonObject, type Json, type JsonObject, type Path, type TwinSection } from '../twin/index.ts';

/** Finds the properties that a policy owns and that a merge patch writes or removes. Returns each property with its policy. */
export function* touchedProperties(
  policies: PolicySet,
  moduleId: string,
  patch: JsonObject,
): Generator<{ readonly policy: Policy; readonly property: OwnedProperty }> {
  for (const key of Object.keys(patch)) {
    for (const owner of policies.ownersOf(moduleId, key)) {
      if (patchedValue(patch, owner.property.path) !== undefined) yield owner;
    }
  }
}

/**
 * The value that a merge patch sets at a path. `null` when the patch removes the path. `undefined` when the patch does not change the path.
 */
export function patchedValue(patch: JsonObject, path: Path): Json | undefined {
  let value: Json = patch;
  for (const key of path) {
    if (!isJsonObject(value)) return null;
    if (!Object.hasOwn(value, key)) return undefined;
    value = value[key] ?? null;
  }
  return value;
}

/**
 * Whether the write that an event reports has set the property at a path. The event of an automatic configuration has the whole desired
 * section, but metadata only for the properties that the configuration wrote. A property without metadata therefore counts as not written
 * when a sibling, at any depth, has metadata. A removed property counts as written: it never has metadata, and only a write removes it.
 */
export function isWritten({ properties, metadata }: TwinSection, path: Path): boolean {
  if (getAt(properties, path) === null) return true;
  let values: Json | undefined = properties;
  let entries: Json | undefined = metadata;
  for (const key of path) {
    if (!isJsonObject(values) || !isJsonObject(entries)) return true;
    const value: Json | undefined = Object.hasOwn(values, key) ? values[key] : undefined;
    if (value === undefined || value === null) return true;
    if (!Object.hasOwn(entries, key)) {
      const siblings = entries;
      return !Object.keys(values).some((sibling) => Object.hasOwn(siblings, sibling));
    }
    values = value;
    entries = entries[key];
  }
  return true;
}

/**
 * Whether an update of a twin changes the value at a path, a part of the value, or an object above the path. The path begins with
 * `desired`, `reported` or `tags`.
 */
export function isTouched(event: TwinUpdated, [section, ...path]: Path): boolean {
  const patch =
    section === 'tags' ? event.tags : section === 'desired' ? event.desired?.properties : event.reported?.properties;
  return patch !== undefined && patchedValue(patch, path) !== undefined;
}

/**
 * Whether the rule of a property can accept an object. A patch can hold a part of such an object, and the part does not show whether the
 * rule is met.
 */
export function mayBeObject({ rule }: { readonly rule: RuleContent }): boolean {
  switch (rule.rule) {
    case 'exactly':
      return isJsonObject(rule.value);
    case 'oneOf':
      return rule.values.some(isJsonObject);
    case 'optional':
      return mayBeObject({ rule: rule.inner });
    default:
      return false;
  }
}
