import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from '../../../shared/evidence/index.ts';
import type { Json, JsonObject } from '../../../shared/twin/index.ts';

const definition: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('a', 'b', 'c'),
  fc.oneof(fc.integer(), fc.string(), fc.dictionary(fc.constantFrom('x', 'y'), fc.integer())) as fc.Arbitrary<Json>,
);

describe('the differences of two definitions', () => {
  it('name the path and both values, and what only one of them has', () => {
    const before = { mode: 'audit', desired: { size: 1, list: [1, 2], old: true } };
    const after = { mode: 'audit', desired: { size: 2, list: [1], fresh: null } };
    expect(differences(before, after)).toEqual([
      { path: 'desired.fresh', after: null },
      { path: 'desired.list', before: [1, 2], after: [1] },
      { path: 'desired.old', before: true },
      { path: 'desired.size', before: 1, after: 2 },
    ]);
  });

  it('are none for equal definitions, and otherwise at least one, the same in both directions', () => {
    fc.assert(
      fc.property(definition, definition, (a, b) => {
        expect(differences(a, structuredClone(a))).toEqual([]);
        const there = differences(a, b);
        const back = differences(b, a);
        expect(back.map(({ path }) => path)).toEqual(there.map(({ path }) => path));
        if (there.length === 0) expect(a).toEqual(b);
      }),
    );
  });
});
