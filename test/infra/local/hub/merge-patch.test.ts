import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../infra/local/hub/json.ts';
import { mergePatch } from '../../../../infra/local/hub/merge-patch.ts';
import { fc, jsonObject, patchObject } from './arbitraries.ts';

describe('a merge patch', () => {
  // The test cases of RFC 7396, appendix A, in which the target and the patch are objects.
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('turns %j with the patch %j into %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('does not change its arguments', () => {
    fc.assert(
      fc.property(jsonObject, patchObject, (target, patch) => {
        const before = [JSON.stringify(target), JSON.stringify(patch)];
        mergePatch(target, patch);
        expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual(before);
      }),
    );
  });

  it('changes nothing when applied again', () => {
    fc.assert(
      fc.property(jsonObject, patchObject, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(JSON.stringify(mergePatch(once, patch))).toBe(JSON.stringify(once));
      }),
    );
  });

  it('changes nothing when empty', () => {
    fc.assert(
      fc.property(jsonObject, (target) => {
        expect(JSON.stringify(mergePatch(target, {}))).toBe(JSON.stringify(target));
      }),
    );
  });

  it('leaves no null property', () => {
    fc.assert(
      fc.property(patchObject, (patch) => {
        expect(JSON.stringify(mergePatch({}, withoutArrays(patch)))).not.toMatch(/:null/);
      }),
    );
  });

  it('treats __proto__ as a key like any other', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}') as JsonObject;
    const result = mergePatch({}, patch);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true},"a":1}');
    expect((result as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(mergePatch(result, JSON.parse('{"__proto__": null}') as JsonObject))).toBe('{"a":1}');
  });
});

function withoutArrays(patch: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(patch, (_key, value) => (Array.isArray(value) ? 'array' : value))) as JsonObject;
}
