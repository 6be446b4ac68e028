import type { TwinUpdated } from '../events/index.ts';
import type { OwnedProperty, Policy, PolicySet } from '../policy/index.ts';
import { isJsonObject, type Json, type JsonObject, type Path } from '../twin/index.ts';

/** The owned properties that a patch writes or removes. */
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

/** What a patch makes of a path: a value, `null` where it is removed or something above it is, `undefined` where it is left alone. */
export function patchedValue(patch: JsonObject, path: Path): Json | undefined {
  let value: Json = patch;
  for (const key of path) {
    if (!isJsonObject(value)) return null;
    if (!Object.hasOwn(value, key)) return undefined;
    value = value[key] ?? null;
  }
  return value;
}

/** Whether an update writes or removes something at, above or below a path that begins with `desired`, `reported` or `tags`. */
export function isTouched(event: TwinUpdated, [section, ...path]: Path): boolean {
  const patch =
    section === 'tags' ? event.tags : section === 'desired' ? event.desired?.properties : event.reported?.properties;
  return patch !== undefined && patchedValue(patch, path) !== undefined;
}

/** Whether an object could be what the rule asks for, so that a part of one proves nothing. */
export function mayBeObject({ rule }: OwnedProperty): boolean {
  if (rule.rule === 'exactly') return isJsonObject(rule.value);
  return rule.rule === 'oneOf' && rule.values.some(isJsonObject);
}
