import { describe, expect, it } from 'vitest';
import { toBulkCalls, toBulkEntry } from '../../../shared/hub/bulk.ts';
import { fc } from '../../support/arbitraries.ts';

describe('bulk calls', () => {
  const modules = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 3 })), { maxLength: 400 })
    .map((pairs) =>
      pairs.map(([device, module], index) => ({
        deviceId: `d${device}`,
        moduleId: `m${module}`,
        desired: { index },
        tags: {},
      })),
    );

  it('contain each module once, at most 100 modules and no device twice, in order', () => {
    fc.assert(
      fc.property(modules, (all) => {
        const calls = toBulkCalls(all, 100);
        expect(calls.flat().length).toBe(all.length);
        expect(new Set(calls.flat())).toEqual(new Set(all));
        for (const call of calls) {
          expect(call.length).toBeGreaterThan(0);
          expect(call.length).toBeLessThanOrEqual(100);
          expect(new Set(call.map(({ deviceId }) => deviceId)).size).toBe(call.length);
        }
        for (const [device, modulesOfDevice] of Map.groupBy(all, ({ deviceId }) => deviceId)) {
          expect(calls.flat().filter(({ deviceId }) => deviceId === device)).toEqual(modulesOfDevice);
        }
      }),
    );
  });

  it('are the smallest possible number', () => {
    const fewestCalls = (all: readonly { deviceId: string }[]) => {
      const most = Math.max(
        0,
        ...[...Map.groupBy(all, ({ deviceId }) => deviceId).values()].map((group) => group.length),
      );
      return Math.max(most, Math.ceil(all.length / 100));
    };
    fc.assert(
      fc.property(modules, (all) => {
        expect(toBulkCalls(all, 100).length).toBe(fewestCalls(all));
      }),
    );
  });

  it('are one for 100 devices, two for 101 or for two modules each, and three for 150 with two modules each', () => {
    const one = Array.from({ length: 100 }, (_, n) => ({ deviceId: `d${n}`, moduleId: 'm', desired: {}, tags: {} }));
    expect(toBulkCalls(one, 100).map((call) => call.length)).toEqual([100]);
    expect(toBulkCalls([...one, ...one.slice(0, 1).map((module) => ({ ...module, deviceId: 'e' }))], 100)).toHaveLength(
      2,
    );
    const more = [...one, ...one.slice(0, 50).map((module) => ({ ...module, deviceId: `e${module.deviceId}` }))];
    const twoEach = more.flatMap((module) => [module, { ...module, moduleId: 'n' }]);
    expect(toBulkCalls(twoEach, 100).map((call) => call.length)).toEqual([100, 100, 100]);
    const two = one.flatMap((module) => [module, { ...module, moduleId: 'n' }]);
    expect(toBulkCalls(two, 100).map((call) => call.length)).toEqual([100, 100]);
  });

  it('have entries without authentication', () => {
    expect(toBulkEntry({ deviceId: 'd', moduleId: 'm', desired: { a: 1 }, tags: { t: 2 } })).toEqual({
      deviceId: 'd',
      moduleId: 'm',
      tags: { t: 2 },
      properties: { desired: { a: 1 } },
    });
  });
});
