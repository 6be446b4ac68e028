import { describe, expect, it } from 'vitest';
import { newTwin, patchTwin } from '../../../infra/local/hub/twin.ts';
import { isJsonObject, type JsonObject, toTwin, writeAt } from '../../../shared/twin/index.ts';
import { anyJson, fc, readTwin } from '../../support/arbitraries.ts';

describe('a twin', () => {
  it('is read from any JSON object, and reading never throws', () => {
    fc.assert(
      fc.property(anyJson, (raw) => {
        const twin = toTwin(raw, 'd', 'm');
        expect(twin === undefined).toBe(!isJsonObject(raw));
        if (twin !== undefined) writeAt(twin.desired, ['a', '__proto__']);
      }),
    );
  });

  it('without properties gets empty sections', () => {
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

  it.each(['AAA=', '"AAA="', 'W/"AAA="'])('gets the ETag %s without quotes', (etag) => {
    expect(toTwin({ etag }, 'd', 'm')?.etag).toBe('AAA=');
  });

  it('names the last write of each property, and of the object above a missing property', () => {
    const first = newTwin({ desired: { a: 1, s: { x: 1, y: 2 } } }, 1000);
    const second = patchTwin(first, { desired: { s: { x: null } } }, 2000).twin;
    const { desired } = readTwin(second, 'd', 'm');
    expect(writeAt(desired, ['a'])).toMatchObject({ version: 1, exact: true });
    expect(writeAt(desired, ['s', 'y'])).toMatchObject({ version: 1, exact: true });
    expect(writeAt(desired, ['s', 'x'])).toMatchObject({ version: 2, exact: false });
    expect(writeAt(desired, ['z'])).toMatchObject({ version: 2, exact: false });
    expect(writeAt({ properties: {}, metadata: {}, version: 0 }, ['a'])).toBeUndefined();
  });

  it('names no write when its metadata has no valid time', () => {
    for (const $lastUpdated of ['yesterday', '7', '2026-01-01T00:00:00Z (or so)', '', 7, null, {}]) {
      const metadata = { $lastUpdated, $lastUpdatedVersion: 3, a: { $lastUpdated } } as JsonObject;
      expect(writeAt({ properties: {}, metadata, version: 3 }, ['a'])).toBeUndefined();
    }
  });
});
