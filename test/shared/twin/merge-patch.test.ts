import { describe, expect, it } from 'vitest';
import { mergePatch as hubMergePatch } from '../../../infra/local/hub/merge-patch.ts';
import { patchTwin } from '../../../infra/local/hub/twin.ts';
import { diffPatch, getAt, type JsonObject, jsonEquals, mergePatch } from '../../../shared/twin/index.ts';
import { fc, hubTwins, jsonObject, patchObject, readTwin } from '../../support/arbitraries.ts';
import { sorted } from './sorted.ts';

describe('a merge patch', () => {
  it('gives the same result as in the local hub', () => {
    fc.assert(
      fc.property(jsonObject, patchObject, (target, patch) => {
        expect(jsonEquals(mergePatch(target, patch), hubMergePatch(target, patch))).toBe(true);
      }),
    );
  });

  it('gives the twin that the local hub has after the same patch', () => {
    fc.assert(
      fc.property(hubTwins, patchObject, (twin, patch) => {
        const before = readTwin(twin, 'd', 'm').desired.properties;
        const after = readTwin(patchTwin(twin, { desired: patch }, 1).twin, 'd', 'm').desired.properties;
        expect(JSON.stringify(sorted(mergePatch(before, patch)))).toBe(JSON.stringify(sorted(after)));
      }),
    );
  });

  it('treats __proto__ as an ordinary key', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true},"constructor":{"a":1}}') as JsonObject);
    expect(Object.keys(patched)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('the difference between two values', () => {
  it('is a patch that turns one into the other', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (from, to) => {
        const patch = diffPatch(from, to);
        if (patch === undefined) expect(jsonEquals(from, to)).toBe(true);
        else expect(jsonEquals(mergePatch(from, patch as JsonObject), to)).toBe(true);
      }),
    );
  });

  it('leaves out every property that is equal', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (from, to) => {
        const patch = diffPatch(from, to) ?? {};
        for (const key of Object.keys(patch as JsonObject))
          expect(jsonEquals(getAt(from, [key]), getAt(to, [key]))).toBe(false);
      }),
    );
  });
});
