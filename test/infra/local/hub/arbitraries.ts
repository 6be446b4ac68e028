/**
 * Generators of random JSON for fast-check. Documents and patches have the same few keys, among them keys that are special in JavaScript.
 */
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../../infra/local/hub/json.ts';

const key = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'toString', 'ms_iotn:urn');

const scalar: fc.Arbitrary<JsonValue> = fc.oneof(fc.boolean(), fc.integer(), fc.string({ maxLength: 5 }));

function objects(leaf: fc.Arbitrary<JsonValue>, depth: number): fc.Arbitrary<JsonObject> {
  const value =
    depth === 0 ? leaf : fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: objects(leaf, depth - 1) });
  return (
    fc
      .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 5 })
      // The object is parsed from JSON text, because only parsing makes `__proto__` an ordinary key.
      .map((entries) =>
        JSON.parse(`{${entries.map(([name, item]) => `${JSON.stringify(name)}:${JSON.stringify(item)}`).join(',')}}`),
      )
  );
}

/** Generates the values of a twin section, without nulls. */
export const jsonObject = objects(fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), 3);

/** Generates a patch of a twin section, with nulls. */
export const patchObject = objects(fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.constant(null)), 3);

export { fc };
