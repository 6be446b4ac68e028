import { describe, expect, it } from 'vitest';
import { mergePatch as hubMergePatch } from '../../../infra/local/hub/merge-patch.ts';
import { newTwin, patchTwin } from '../../../infra/local/hub/twin.ts';
import { sizeOf } from '../../../infra/local/hub/twin-limits.ts';
import {
  deepFreeze,
  diffPatch,
  formatPath,
  getAt,
  isDeviceId,
  isJsonObject,
  type JsonObject,
  jsonEquals,
  limitFaults,
  mergePatch,
  overlaps,
  parsePath,
  setAt,
  toTwin,
  twinSize,
  writeAt,
} from '../../../shared/twin/index.ts';
import { anyJson, deviceIds, fc, hubTwins, jsonObject, patchObject, readTwin } from '../../support/arbitraries.ts';

const paths = fc.array(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), { minLength: 1, maxLength: 4 });

describe('a merge patch', () => {
  it('does what the local hub does with it', () => {
    fc.assert(
      fc.property(jsonObject, patchObject, (target, patch) => {
        expect(jsonEquals(mergePatch(target, patch), hubMergePatch(target, patch))).toBe(true);
      }),
    );
  });

  it('predicts what a twin reads as after the local hub has taken it', () => {
    fc.assert(
      fc.property(hubTwins, patchObject, (twin, patch) => {
        const before = readTwin(twin, 'd', 'm').desired.properties;
        const after = readTwin(patchTwin(twin, { desired: patch }, 1).twin, 'd', 'm').desired.properties;
        expect(JSON.stringify(sorted(mergePatch(before, patch)))).toBe(JSON.stringify(sorted(after)));
      }),
    );
  });

  it('keeps __proto__ a key like any other', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true},"constructor":{"a":1}}') as JsonObject);
    expect(Object.keys(patched)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('the difference of two values', () => {
  it('as a patch turns the one into the other', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (from, to) => {
        const patch = diffPatch(from, to);
        if (patch === undefined) expect(jsonEquals(from, to)).toBe(true);
        else expect(jsonEquals(mergePatch(from, patch as JsonObject), to)).toBe(true);
      }),
    );
  });

  it('names nothing that is equal already', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (from, to) => {
        const patch = diffPatch(from, to) ?? {};
        for (const key of Object.keys(patch as JsonObject))
          expect(jsonEquals(getAt(from, [key]), getAt(to, [key]))).toBe(false);
      }),
    );
  });
});

describe('equality', () => {
  it('is that of the canonical text', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (left, right) => {
        expect(jsonEquals(left, right)).toBe(JSON.stringify(sorted(left)) === JSON.stringify(sorted(right)));
        expect(jsonEquals(left, JSON.parse(JSON.stringify(left)) as JsonObject)).toBe(true);
      }),
    );
  });

  it.each([
    [[], {}],
    [{ a: undefined as never }, {}],
    [null, {}],
    [0, false],
    [
      [1, 2],
      [2, 1],
    ],
    [{}, JSON.parse('{"__proto__":{}}')],
    [{ toString: 1 }, { valueOf: 1 }],
  ])('tells %j from %j', (left, right) => {
    expect(jsonEquals(left, right)).toBe(false);
    expect(jsonEquals(right, left)).toBe(false);
  });
});

describe('a path', () => {
  it('survives being written and read', () => {
    fc.assert(fc.property(paths, (path) => void expect(parsePath(formatPath(path))).toEqual(path)));
  });

  it('holds what was set at it, and all beside it stays', () => {
    fc.assert(
      fc.property(jsonObject, paths, paths, (root, path, other) => {
        const next = setAt(root, path, 'new');
        expect(getAt(next, path)).toBe('new');
        if (!overlaps(path, other)) {
          // Something on the way may have been a plain value, and is an object now.
          const blocked = other.some((_, depth) => {
            const above = getAt(root, other.slice(0, depth));
            return depth > 0 && above !== undefined && !isJsonObject(above);
          });
          if (!blocked) expect(jsonEquals(getAt(next, other), getAt(root, other))).toBe(true);
        }
      }),
    );
  });

  it('never leads into a prototype', () => {
    expect(getAt({}, ['constructor'])).toBeUndefined();
    expect(getAt({}, ['__proto__', 'toString'])).toBeUndefined();
    expect(Object.keys(setAt({}, ['__proto__', 'polluted'], true))).toEqual(['__proto__']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('overlaps with what is on it, above it and below it', () => {
    expect(overlaps(['a', 'b'], ['a', 'b'])).toBe(true);
    expect(overlaps(['a'], ['a', 'b'])).toBe(true);
    expect(overlaps(['a', 'b'], ['a'])).toBe(true);
    expect(overlaps(['a', 'b'], ['a', 'c'])).toBe(false);
    expect(overlaps(['ab'], ['a'])).toBe(false);
  });
});

describe('the size of a twin section', () => {
  it('is what the local hub counts', () => {
    fc.assert(fc.property(jsonObject, (values) => void expect(twinSize(values)).toBe(sizeOf(values))));
  });

  it('counts UTF-8, 8 a number, 4 a boolean, and no metadata', () => {
    expect(twinSize({ ü: '€', n: 1, b: true, o: { x: [1, 'ab'] }, $metadata: { a: 'long' }, $version: 3 })).toBe(
      2 + 3 + (1 + 8) + (1 + 4) + 1 + 1 + 8 + 2,
    );
  });
});

describe('the limits of a twin', () => {
  it.each<[string, unknown, string | undefined]>([
    ['the largest integer', { n: 4503599627370495 }, undefined],
    ['the smallest integer', { n: -4503599627370496 }, undefined],
    ['an integer too large', { n: 4503599627370496 }, 'n'],
    ['an integer beyond 2^53', { n: 2 ** 60 }, 'n'],
    ['NaN', { n: Number.NaN }, 'n'],
    ['a string of 4 KB', { s: 'x'.repeat(4096) }, undefined],
    ['a string a byte longer', { s: 'x'.repeat(4097) }, 's'],
    ['a string that is longer in UTF-8', { s: '€'.repeat(1366) }, 's'],
    ['a key of 1 KB', { ['k'.repeat(1024)]: 1 }, undefined],
    ['a key a byte longer', { ['k'.repeat(1025)]: 1 }, 'k'.repeat(1025)],
    ['a key with a dot', { 'a.b': 1 }, 'a.b'],
    ['a key with a dollar', { $a: 1 }, '$a'],
    ['a key with a space', { 'a b': 1 }, 'a b'],
    ['a key with a control character', { 'a\u0085': 1 }, 'a\u0085'],
    ['an empty key', { a: { '': 1 } }, 'a.'],
    ['null', { a: { b: null } }, 'a.b'],
    ['null in an array', { a: [1, null] }, 'a[1]'],
    ['ten levels', nested(10), undefined],
    ['undefined', { a: undefined }, 'a'],
  ])('are told about %s', (_, section, path) => {
    expect(limitFaults(section as JsonObject).map((fault) => fault.path)).toEqual(path === undefined ? [] : [path]);
  });

  it('are told about more than ten levels', () => {
    expect(limitFaults(nested(11))).toMatchObject([{ message: expect.stringContaining('levels deep') }]);
  });
});

describe('an id', () => {
  it('is taken with every character that IoT Hub allows', () => {
    fc.assert(fc.property(deviceIds, (id) => void expect(isDeviceId(id)).toBe(true)));
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', 'ä', 'a\n', 'a\\b', '~', 'a"b', 'a&b'])('is not %j', (id) => {
    expect(isDeviceId(id)).toBe(false);
  });
});

describe('a twin', () => {
  it('is read from any JSON or refused, without a throw', () => {
    fc.assert(
      fc.property(anyJson, (raw) => {
        const twin = toTwin(raw, 'd', 'm');
        expect(twin === undefined).toBe(!isJsonObject(raw));
        if (twin !== undefined) writeAt(twin.desired, ['a', '__proto__']);
      }),
    );
  });

  it('without properties has empty ones', () => {
    expect(toTwin({ deviceId: 'x' }, 'd', 'm')).toEqual({
      deviceId: 'd',
      moduleId: 'm',
      etag: '',
      version: 0,
      tags: {},
      desired: { properties: {}, metadata: {}, version: 0 },
      reported: { properties: {}, metadata: {}, version: 0 },
      edge: false,
    });
  });

  it.each(['AAA=', '"AAA="', 'W/"AAA="'])('has the ETag %s without quotes', (etag) => {
    expect(toTwin({ etag }, 'd', 'm')?.etag).toBe('AAA=');
  });

  it('names the write that brought each of its properties, and the last one around what is missing', () => {
    const first = newTwin({ desired: { a: 1, s: { x: 1, y: 2 } } }, 1000);
    const second = patchTwin(first, { desired: { s: { x: null } } }, 2000).twin;
    const { desired } = readTwin(second, 'd', 'm');
    expect(writeAt(desired, ['a'])).toMatchObject({ version: 1, exact: true });
    expect(writeAt(desired, ['s', 'y'])).toMatchObject({ version: 1, exact: true });
    expect(writeAt(desired, ['s', 'x'])).toMatchObject({ version: 2, exact: false });
    expect(writeAt(desired, ['z'])).toMatchObject({ version: 2, exact: false });
    expect(writeAt({ properties: {}, metadata: {}, version: 0 }, ['a'])).toBeUndefined();
  });

  it('whose metadata names no time says nothing of the write', () => {
    for (const $lastUpdated of ['yesterday', '7', '2026-01-01T00:00:00Z (or so)', '', 7, null, {}]) {
      const metadata = { $lastUpdated, $lastUpdatedVersion: 3, a: { $lastUpdated } } as JsonObject;
      expect(writeAt({ properties: {}, metadata, version: 3 }, ['a'])).toBeUndefined();
    }
  });
});

describe('freezing', () => {
  it('reaches everything, and gives back the same value', () => {
    fc.assert(
      fc.property(jsonObject, (value) => {
        expect(deepFreeze(value)).toBe(value);
        const visit = (inner: unknown): void => {
          expect(Object.isFrozen(inner)).toBe(true);
          if (typeof inner === 'object' && inner !== null) Object.values(inner).forEach(visit);
        };
        visit(value);
      }),
    );
  });
});

function nested(levels: number): JsonObject {
  return levels === 0 ? { leaf: 1 } : { level: nested(levels - 1) };
}

/** The same value with its keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
