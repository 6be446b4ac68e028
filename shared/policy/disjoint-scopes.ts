import { isJsonObject, type Json, type JsonObject, jsonEquals } from '../twin/index.ts';
import { toGlobTest } from './glob.ts';
import { type AppliesTo, excludedParts, idPatterns, type ScopeParts, tagOptions } from './scope.ts';

/**
 * True when certainly no device matches both scopes: `edge`, a tag or the device id differs, or one scope leaves out the devices of the
 * other. False in all other cases, also when a scope is a function.
 */
export function areDisjoint(left: AppliesTo | undefined, right: AppliesTo | undefined): boolean {
  if (typeof left === 'function' || typeof right === 'function' || !left || !right) return false;
  if (left.edge !== undefined && right.edge !== undefined && left.edge !== right.edge) return true;
  if (left.tags !== undefined && right.tags !== undefined && tagsContradict(left.tags, right.tags)) return true;
  if (idsContradict(left, right)) return true;
  return (
    excludedParts(right).some((parts) => implies(left, parts)) ||
    excludedParts(left).some((parts) => implies(right, parts))
  );
}

/** True when certainly every device that matches `parts` also matches the second argument. */
export function implies(parts: ScopeParts, { edge, tags, ...others }: ScopeParts): boolean {
  if (edge !== undefined && parts.edge !== edge) return false;
  if (tags !== undefined && !tagsImply(parts.tags ?? {}, tags)) return false;
  const patterns = idPatterns(others);
  if (patterns === undefined) return true;
  const tests = patterns.map(toGlobTest);
  // Tests whether each pattern of `parts` is covered by a pattern of the second argument. The character 0 takes the place of each asterisk.
  // No device id contains this character, so only an asterisk of the other pattern can match it.
  return (idPatterns(parts) ?? [['', '']]).every((pieces) => tests.some((test) => test(pieces.join('\0'))));
}

function tagsContradict(left: JsonObject, right: JsonObject): boolean {
  return Object.entries(left).some(([key, value]) => {
    if (!Object.hasOwn(right, key)) return false;
    const others = tagOptions(right[key] ?? null);
    return tagOptions(value).every((option) => others.every((other) => valuesContradict(option, other)));
  });
}

function valuesContradict(left: Json, right: Json): boolean {
  return isJsonObject(left) && isJsonObject(right) ? tagsContradict(left, right) : !jsonEquals(left, right);
}

function idsContradict(left: ScopeParts, right: ScopeParts): boolean {
  const [patterns, others] = [idPatterns(left), idPatterns(right)];
  if (patterns === undefined || others === undefined) return false;
  return patterns.every((pattern) => others.every((other) => patternsContradict(pattern, other)));
}

/** True when two patterns have different beginnings or different ends, so that no text matches both. */
function patternsContradict(left: readonly string[], right: readonly string[]): boolean {
  if (left.length === 1) return !toGlobTest(right)(left[0] ?? '');
  if (right.length === 1) return !toGlobTest(left)(right[0] ?? '');
  const [start, otherStart] = [left[0] ?? '', right[0] ?? ''];
  const [end, otherEnd] = [left.at(-1) ?? '', right.at(-1) ?? ''];
  const startsFit = start.startsWith(otherStart) || otherStart.startsWith(start);
  return !startsFit || !(end.endsWith(otherEnd) || otherEnd.endsWith(end));
}

function tagsImply(tags: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const options = Object.hasOwn(tags, key) ? tagOptions(tags[key] ?? null) : [];
    const isAlwaysMet = (option: Json) => tagOptions(value).some((other) => valueImplies(option, other));
    return options.length > 0 && options.every(isAlwaysMet);
  });
}

function valueImplies(value: Json, wanted: Json): boolean {
  return isJsonObject(value) && isJsonObject(wanted) ? tagsImply(value, wanted) : jsonEquals(value, wanted);
}
