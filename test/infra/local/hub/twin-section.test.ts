import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject, own } from '../../../../infra/local/hub/json.ts';
import { mergePatch } from '../../../../infra/local/hub/merge-patch.ts';
import {
  clearingPatch,
  emptySection,
  patchSection,
  renderSection,
  writeSection,
} from '../../../../infra/local/hub/twin-section.ts';
import { fc, jsonObject, patchObject } from './arbitraries.ts';

const first = { $lastUpdated: '2026-01-01T00:00:00.0000000Z', $lastUpdatedVersion: 1 };
const second = { $lastUpdated: '2026-01-02T00:00:00.0000000Z', $lastUpdatedVersion: 2 };

describe('a section of a twin', () => {
  it('has the stamp of a write at exactly the levels that the write touched', () => {
    const section = writeSection({ kept: 1, group: { kept: 'x', changed: 'y' } }, first, 1);
    const patched = patchSection(section, { group: { changed: 'z' } }, second, 2);
    expect(renderSection(patched.section)).toEqual({
      kept: 1,
      group: { kept: 'x', changed: 'z' },
      $metadata: { ...second, kept: first, group: { ...second, kept: first, changed: second } },
      $version: 2,
    });
  });

  it('reports a change with the patched properties only, and null for removed ones', () => {
    const section = writeSection({ kept: 1, gone: 2, group: { gone: 3, kept: 4 } }, first, 1);
    const { change, section: after } = patchSection(section, { gone: null, group: { gone: null } }, second, 2);
    expect(change).toEqual({
      gone: null,
      group: { gone: null },
      $metadata: { ...second, group: second },
      $version: 2,
    });
    expect(after.metadata).toEqual({ ...second, kept: first, group: { ...second, kept: first } });
  });

  it('gets the stamp of a patch even where the value stays the same', () => {
    const section = writeSection({ a: 1, b: 2 }, first, 1);
    expect(patchSection(section, { a: 1 }, second, 2).section.metadata).toEqual({ ...second, a: second, b: first });
  });

  it('gets new metadata where an object replaces a value, or a value an object', () => {
    const section = writeSection({ a: 1, b: { c: 1 } }, first, 1);
    const { metadata } = patchSection(section, { a: { x: 1 }, b: [1, 2] }, second, 2).section;
    expect(metadata).toEqual({ ...second, a: { ...second, x: second }, b: second });
  });

  it('merges a patch as RFC 7396 says', () => {
    fc.assert(
      fc.property(jsonObject, patchObject, (values, patch) => {
        const { section } = patchSection(writeSection(values, first, 1), patch, second, 2);
        // The test compares JSON text, because JSON text shows a key named `__proto__`.
        expect(JSON.stringify(section.values)).toBe(JSON.stringify(mergePatch(values, patch)));
      }),
    );
  });

  it('has metadata for exactly its own properties', () => {
    fc.assert(
      fc.property(jsonObject, fc.array(patchObject, { maxLength: 4 }), (values, patches) => {
        let section = writeSection(values, first, 1);
        for (const patch of patches) section = patchSection(section, patch, second, section.version + 1).section;
        expect(mirrors(section.values, section.metadata)).toBe(true);
      }),
    );
  });

  it('has a version at each level that is at least the versions below', () => {
    fc.assert(
      fc.property(fc.array(patchObject, { minLength: 1, maxLength: 6 }), (patches) => {
        let section = emptySection;
        patches.forEach((patch, index) => {
          const version = section.version + 1;
          const stamp = { $lastUpdated: `2026-01-01T00:00:0${index}.0000000Z`, $lastUpdatedVersion: version };
          section = patchSection(section, patch, stamp, version).section;
        });
        expect(section.metadata.$lastUpdatedVersion).toBe(section.version);
        expect(newestFirst(section.metadata)).toBe(true);
      }),
    );
  });

  it('is empty after the clearing patch', () => {
    fc.assert(
      fc.property(jsonObject, (values) => {
        const section = writeSection(values, first, 1);
        const cleared = patchSection(section, clearingPatch(section), second, 2).section;
        expect(renderSection(cleared)).toEqual({ $metadata: second, $version: 2 });
      }),
    );
  });

  it('has the never-written timestamp and version 1 when new', () => {
    expect(renderSection(emptySection)).toEqual({ $metadata: { $lastUpdated: '0001-01-01T00:00:00Z' }, $version: 1 });
  });
});

/** Whether the metadata describes exactly the properties that `values` contains, at every level. */
function mirrors(values: JsonObject, metadata: JsonObject): boolean {
  const described = Object.keys(metadata).filter((key) => !key.startsWith('$'));
  return (
    JSON.stringify(described.sort()) === JSON.stringify(Object.keys(values).sort()) &&
    Object.keys(values).every((key) => {
      const value = own(values, key);
      const child = own(metadata, key);
      return isObject(child) && typeof child.$lastUpdated === 'string' && (!isObject(value) || mirrors(value, child));
    })
  );
}

/** Whether no property has a newer version than the property that contains it. */
function newestFirst(metadata: JsonObject): boolean {
  return Object.entries(metadata).every(
    ([key, child]) =>
      key.startsWith('$') ||
      (isObject(child) &&
        Number(child.$lastUpdatedVersion) <= Number(metadata.$lastUpdatedVersion) &&
        newestFirst(child)),
  );
}
