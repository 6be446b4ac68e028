import { describe, expect, it } from 'vitest';
import type { PolicyDefinition } from '../../../../shared/policy/index.ts';
import { scopeFaults } from '../../../../shared/policy/scope-faults.ts';
import { compileModuleScope, compileRules, compileScope } from '../../../../shared/sweep/where/index.ts';
import { isJsonObject, type Json, type JsonObject, mergePatch } from '../../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../../support/arbitraries.ts';
import { meetsAny, policyOf, policyWithScope } from './policy-and-twin.ts';

describe("the condition for a policy's scope", () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', 'ab', '*', '**', '\\*', "'"), { minLength: 1, maxLength: 6 })
    .map((pieces) => pieces.join(''));
  const ids = fc.array(fc.constantFrom('a', 'b', '*', "'"), { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
  const values = fc.oneof(
    fc.constantFrom<Json>('x', 1, true, { c: 'x' }, {}, ['x']),
    fc.array(fc.constantFrom<Json>('x', 1, true, { c: 'x' }, ['x']), { minLength: 1, maxLength: 3 }),
  );
  const tags = fc.dictionary(fc.constantFrom('a', 'b', 'a]'), values, { maxKeys: 3 });
  const deviceId = fc.oneof(glob, fc.array(glob, { minLength: 1, maxLength: 3 }));
  const parts = fc.record({ tags, edge: fc.boolean(), deviceId }, { requiredKeys: [] });
  const not = fc.oneof(parts, fc.array(parts, { minLength: 1, maxLength: 2 }));
  const scopes = fc
    .oneof(
      {
        weight: 1,
        arbitrary: fc.record({ tags: jsonObject, edge: fc.boolean(), deviceId: glob }, { requiredKeys: [] }),
      },
      { weight: 3, arbitrary: fc.record({ tags, edge: fc.boolean(), deviceId, not }, { requiredKeys: [] }) },
    )
    .filter((scope) => scopeFaults(scope).length === 0);
  const devices = fc.record({ deviceId: ids, tags: jsonObject, edge: fc.boolean() });

  it('matches each device in the scope, and no other device where it is exact', () => {
    fc.assert(
      fc.property(scopes, devices, fc.boolean(), fc.boolean(), (written, other, isNear, isNew) => {
        const policy = policyOf({ appliesTo: written });
        // Random devices are rarely in the scope. So half of the devices get the tags that the scope wants.
        const device = isNear ? { ...other, tags: mergePatch(other.tags, firstOptions(written.tags ?? {})) } : other;
        const isInside = policy.scope.matches(device);
        const { condition, exact } = compileScope(policy);
        const isSelected = meetsAny([condition], documentOf(device, isNew));
        if (isInside || exact) expect(isSelected).toBe(isInside);

        const ofModule = compileModuleScope(policy);
        const isModuleSelected = meetsAny([ofModule.condition], { deviceId: device.deviceId, moduleId: 'm', tags: {} });
        if (isInside || ofModule.exact) expect(isModuleSelected).toBe(isInside);
      }),
      { numRuns: 3000 },
    );
  });

  it.each<[string, PolicyDefinition['appliesTo'], string, boolean]>([
    ['all devices', undefined, '', true],
    ['a predicate', () => true, '', false],
    ['any id', { deviceId: '*' }, '', true],
    ['an id', { deviceId: 'plant\\*-7' }, "deviceId = 'plant*-7'", true],
    ['a prefix', { deviceId: 'plant-*' }, "STARTSWITH(deviceId, 'plant-')", true],
    ['a suffix', { deviceId: '*-eu' }, "ENDSWITH(deviceId, '-eu')", true],
    ['an inner piece', { deviceId: '*eu*' }, "CONTAINS(deviceId, 'eu')", true],
    ['the same inner piece twice', { deviceId: '*eu*eu*' }, "CONTAINS(deviceId, 'eu')", false],
    ['both ends', { deviceId: 'plant*eu' }, "STARTSWITH(deviceId, 'plant') AND ENDSWITH(deviceId, 'eu')", true],
    [
      'ends that can overlap',
      { deviceId: 'plant-*-eu' },
      "STARTSWITH(deviceId, 'plant-') AND ENDSWITH(deviceId, '-eu')",
      false,
    ],
    [
      'several pieces',
      { deviceId: 'p*a*b' },
      "STARTSWITH(deviceId, 'p') AND CONTAINS(deviceId, 'a') AND ENDSWITH(deviceId, 'b')",
      false,
    ],
    ['IoT Edge', { edge: true }, 'capabilities.iotEdge = true', true],
    ['no IoT Edge', { edge: false }, '(NOT IS_DEFINED(capabilities.iotEdge) OR capabilities.iotEdge != true)', true],
    [
      'tags',
      { tags: { environment: 'production', location: { plant: 7, 'a b': {} } } },
      "tags.environment = 'production' AND tags.location.plant = 7 AND IS_OBJECT(tags.location.[[a b]])",
      true,
    ],
    ['a list of one value', { tags: { env: ['a'] } }, "tags.env = 'a'", true],
    ['a list of values', { tags: { env: ['a', 'b'] } }, "tags.env IN ['a','b']", true],
    [
      'a list of an object and a value',
      { tags: { site: ['x', { hall: 1, row: 2 }] } },
      "(tags.site = 'x' OR (tags.site.hall = 1 AND tags.site.row = 2))",
      true,
    ],
    ['a list as a tag', { tags: { lines: [['a']] } }, 'IS_DEFINED(tags.lines)', false],
    ['ids', { deviceId: ['a', 'b'] }, "deviceId IN ['a','b']", true],
    [
      'ids and patterns',
      { deviceId: ['a', 'b*', '*c'] },
      "(deviceId = 'a' OR STARTSWITH(deviceId, 'b') OR ENDSWITH(deviceId, 'c'))",
      true,
    ],
    [
      'a tag to leave out',
      { not: { tags: { env: ['test', 'lab'] } } },
      "(NOT IS_STRING(tags.env) OR tags.env NIN ['test','lab'])",
      true,
    ],
    [
      'several devices to leave out',
      { edge: true, not: [{ deviceId: ['a', 'b'] }, { deviceId: 'c*', tags: { old: true } }] },
      "capabilities.iotEdge = true AND deviceId NIN ['a','b'] AND (NOT STARTSWITH(deviceId, 'c') OR (NOT IS_BOOL(tags.old) OR tags.old != true))",
      true,
    ],
    ['a pattern to leave out that a query cannot test', { not: { deviceId: 'a*b*c' } }, '', false],
    ['a tag that cannot be written', { tags: { 'a]]': 1, b: 1 } }, 'tags.b = 1', false],
  ])('is written for %s', (_, appliesTo, condition, exact) => {
    expect(compileScope(policyWithScope(appliesTo))).toEqual({ condition, exact });
  });

  it('leaves out terms that would take the room for rules', () => {
    const tags = { long: "'".repeat(3000), short: 'x' };
    const policy = policyOf({ appliesTo: { tags }, desired: { a: 'y'.repeat(3000) } });
    expect(compileScope(policy)).toEqual({ condition: "tags.short = 'x'", exact: false });
    expect(compileRules(policy).walkReason).toBeUndefined();
  });

  it('for twins of modules tests the device id alone', () => {
    const scope = (appliesTo: PolicyDefinition['appliesTo']) => compileModuleScope(policyWithScope(appliesTo));
    expect(scope({ deviceId: 'a*' })).toEqual({ condition: "STARTSWITH(deviceId, 'a')", exact: true });
    expect(scope({ deviceId: 'a*', edge: false })).toEqual({ condition: "STARTSWITH(deviceId, 'a')", exact: false });
    expect(scope({ tags: { a: 1 } })).toEqual({ condition: '', exact: false });
    expect(scope({ deviceId: ['a', 'b'], not: { deviceId: 'c*' } })).toEqual({
      condition: "deviceId IN ['a','b'] AND NOT STARTSWITH(deviceId, 'c')",
      exact: true,
    });
    expect(scope({ not: { deviceId: 'c*', edge: true } })).toEqual({ condition: '', exact: false });
    expect(scope(() => true)).toEqual({ condition: '', exact: false });
    expect(scope(undefined)).toEqual({ condition: '', exact: true });
  });
});

/**
 * Returns a device's twin as a JSON object, in the form to which the hub applies a query. A new device without IoT Edge has no
 * `capabilities`.
 */
function documentOf(
  { deviceId, tags, edge }: { deviceId: string; tags: JsonObject; edge: boolean },
  isNew: boolean,
): JsonObject {
  return { deviceId, tags, ...(isNew && !edge ? {} : { capabilities: { iotEdge: edge } }) };
}

/** Returns tags that have the first value of each list of wanted values. */
function firstOptions(wanted: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => {
      const first: Json = Array.isArray(value) ? (value[0] ?? null) : value;
      return [key, isJsonObject(first) ? firstOptions(first) : first];
    }),
  );
}
