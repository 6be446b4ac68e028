import { describe, expect, it } from 'vitest';
import { formatPath, getAt, isJsonObject, jsonEquals, overlaps, parsePath, setAt } from '../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';

const paths = fc.array(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), { minLength: 1, maxLength: 4 });

describe('a path', () => {
  it('is the same after formatting and parsing', () => {
    fc.assert(fc.property(paths, (path) => void expect(parsePath(formatPath(path))).toEqual(path)));
  });

  it('holds the value that was set, and other paths keep theirs', () => {
    fc.assert(
      fc.property(jsonObject, paths, paths, (root, path, other) => {
        const next = setAt(root, path, 'new');
        expect(getAt(next, path)).toBe('new');
        if (!overlaps(path, other)) {
          // A plain value above the other path may have become an object, so the value at the other path is not compared.
          const blocked = other.some((_, depth) => {
            const above = getAt(root, other.slice(0, depth));
            return depth > 0 && above !== undefined && !isJsonObject(above);
          });
          if (!blocked) expect(jsonEquals(getAt(next, other), getAt(root, other))).toBe(true);
        }
      }),
    );
  });

  it('never reaches a prototype', () => {
    expect(getAt({}, ['constructor'])).toBeUndefined();
    expect(getAt({}, ['__proto__', 'toString'])).toBeUndefined();
    expect(Object.keys(setAt({}, ['__proto__', 'polluted'], true))).toEqual(['__proto__']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('overlaps with equal paths and with paths above and below it', () => {
    expect(overlaps(['a', 'b'], ['a', 'b'])).toBe(true);
    expect(overlaps(['a'], ['a', 'b'])).toBe(true);
    expect(overlaps(['a', 'b'], ['a'])).toBe(true);
    expect(overlaps(['a', 'b'], ['a', 'c'])).toBe(false);
    expect(overlaps(['ab'], ['a'])).toBe(false);
  });
});
