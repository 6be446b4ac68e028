import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../infra/local/hub/json.ts';
import {
  etagOf,
  newTwin,
  patchReported,
  patchTwin,
  renderTwin,
  replaceTwin,
  type Twin,
  versionOf,
} from '../../../../infra/local/hub/twin.ts';
import { readTwinWrite } from '../../../../infra/local/hub/twin-body.ts';
import { fc, patchObject } from './arbitraries.ts';

const now = Date.UTC(2026, 0, 1);

describe('a twin', () => {
  it('starts with version 2 and the ETag of one write, as in Azure', () => {
    const twin = newTwin({}, now);
    expect(versionOf(twin)).toBe(2);
    expect(etagOf(twin)).toBe('AAAAAAAAAAE=');
    expect(renderTwin(twin)).not.toHaveProperty('tags');
  });

  it('can start with tags and desired properties, stamped with version 1', () => {
    const twin = newTwin(readTwinWrite({ tags: { a: 1 }, properties: { desired: { x: 1, y: null } } }), now);
    const stamp = { $lastUpdated: '2026-01-01T00:00:00.0000000Z', $lastUpdatedVersion: 1 };
    expect(renderTwin(twin)).toMatchObject({
      version: 2,
      tags: { a: 1 },
      properties: { desired: { x: 1, $metadata: { ...stamp, x: stamp }, $version: 1 } },
    });
    expect(twin.desired.values).toEqual({ x: 1 });
  });

  it('gets a new ETag from a service write, but not from reported properties', () => {
    const twin = newTwin({}, now);
    const patched = patchTwin(twin, { tags: { a: 1 } }, now).twin;
    const reported = patchReported(patched, { a: 1 }, now).twin;
    expect([twin, patched, reported].map(etagOf)).toEqual(['AAAAAAAAAAE=', 'AAAAAAAAAAI=', 'AAAAAAAAAAI=']);
    expect([twin, patched, reported].map(versionOf)).toEqual([2, 3, 4]);
  });

  it('gets a new version from a patch that changes no value', () => {
    const twin = newTwin({ desired: { a: 1 } }, now);
    const { twin: after, change } = patchTwin(twin, { desired: { a: 1 } }, now);
    expect(after.desired.values).toEqual(twin.desired.values);
    expect(after.desired.version).toBe(2);
    expect(change).toMatchObject({ version: 3, properties: { desired: { a: 1, $version: 2 } } });
  });

  it('reports a patch of tags without properties', () => {
    const { change } = patchTwin(newTwin({}, now), { tags: { a: { b: 1 } } }, now);
    expect(change).toEqual({ version: 3, tags: { a: { b: 1 } } });
  });

  it('loses a section that a patch sets to null', () => {
    const twin = newTwin({ tags: { a: 1 }, desired: { x: 1, y: 2 } }, now);
    const { twin: after, change } = patchTwin(twin, { tags: null, desired: null }, now);
    expect(after.tags).toEqual({});
    expect(after.desired.values).toEqual({});
    expect(change).toMatchObject({ tags: null, properties: { desired: { x: null, y: null } } });
  });

  it('has exactly the replaced tags and desired properties, and keeps reported ones', () => {
    const reported = patchReported(newTwin({ tags: { a: 1 }, desired: { x: 1 } }, now), { r: 1 }, now).twin;
    const twin = replaceTwin(reported, { desired: { y: 2, z: null } }, now);
    expect(twin).toMatchObject({ tags: {}, desired: { values: { y: 2 }, version: 2 }, reported: { values: { r: 1 } } });
    expect(twin.desired.values).toEqual({ y: 2 });
  });

  it('has no version in the metadata of reported properties, as in Azure', () => {
    const { twin } = patchReported(newTwin({}, now), { r: { s: 1 } }, now);
    const stamp = { $lastUpdated: '2026-01-01T00:00:00.0000000Z' };
    expect(twin.reported.metadata).toEqual({ ...stamp, r: { ...stamp, s: stamp } });
  });

  it('refuses a patch of allowed values that would make the section too large', () => {
    const half = { a: 'x'.repeat(4000), b: 'x'.repeat(2000) };
    const twin = newTwin({ tags: half }, now);
    expect(() => patchTwin(twin, { tags: { c: 'x'.repeat(3000) } }, now)).toThrow(/tags would have 9003 bytes/);
    expect(() => patchTwin(twin, { tags: { b: null, c: 'x'.repeat(3000) } }, now)).not.toThrow();
  });

  it('has the sum of both sections’ versions as its version', () => {
    const write = fc.oneof(
      fc.record({ tags: patchObject }),
      fc.record({ desired: patchObject }),
      fc.record({ reported: patchObject }),
    );
    fc.assert(
      fc.property(fc.array(write, { maxLength: 8 }), (writes) => {
        let twin: Twin = newTwin({}, now);
        for (const { reported, ...service } of writes as readonly { reported?: JsonObject }[]) {
          twin = reported === undefined ? patchTwin(twin, service, now).twin : patchReported(twin, reported, now).twin;
        }
        expect(versionOf(twin)).toBe(2 + writes.length);
        expect(versionOf(twin)).toBe(twin.desired.version + twin.reported.version);
      }),
    );
  });
});

describe('a request to write a twin', () => {
  it('may contain metadata, versions and reported properties from a read, which are ignored', () => {
    const body = {
      deviceId: 'd',
      etag: 'x',
      version: 7,
      properties: { desired: { a: 1, $metadata: { a: {} }, $version: 4 }, reported: { r: 1 } },
    };
    expect(readTwinWrite(body)).toEqual({ desired: { a: 1 } });
  });

  it.each([
    ['a list', []],
    ['a string', 'x'],
    ['properties that are no object', { properties: 1 }],
    ['tags that are no object', { tags: ['a'] }],
    ['desired properties that are no object', { properties: { desired: 'x' } }],
    ['a key with a dollar sign further down', { properties: { desired: { a: { $version: 1 } } } }],
  ])('is refused with %s', (_, body) => {
    expect(() => readTwinWrite(body)).toThrow();
  });
});
