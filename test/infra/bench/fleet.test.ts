import { describe, expect, it } from 'vitest';
import { type Breakage, breakages, deviceIdOf, fleetModules, policies } from '../../../infra/bench/fleet.ts';
import { newTwin, patchReported, patchTwin, renderTwin, type Twin } from '../../../infra/local/hub/twin.ts';
import { plan } from '../../../shared/reconcile/index.ts';
import { isDeviceId, mergePatch, toTwin } from '../../../shared/twin/index.ts';

const written = Date.UTC(2026, 0, 15, 8);
/** A time at which the grace period of every agent is over. */
const at = new Date(written + 48 * 3600_000).toISOString();
const devices = 5_000;

/** The compliant twin of a module of the bench fleet, as the local hub stores it. */
function compliantTwin(moduleId: string): Twin {
  const module = fleetModules.find((candidate) => candidate.moduleId === moduleId);
  if (module === undefined) throw new Error(`The fleet has no module ${moduleId}.`);
  const { tags, desired, reported } = module;
  return patchReported(newTwin({ tags, desired }, written), reported, written).twin;
}

function planFor(deviceId: string, moduleId: string, twin: Twin) {
  const read = toTwin({ etag: '"1"', ...renderTwin(twin) }, deviceId, moduleId);
  if (read === undefined) throw new Error('The twin is invalid.');
  return plan(policies.all, { device: { deviceId, tags: {}, edge: false }, twins: [{ moduleId, twin: read }], at });
}

const brokenTwin = ({ moduleId, patch }: Breakage): Twin =>
  patchTwin(compliantTwin(moduleId), { desired: patch }, written).twin;

describe('the fleet of the benches', () => {
  it('has one compliant module for each policy', () => {
    expect(fleetModules.map(({ moduleId }) => moduleId)).toEqual(policies.all.map(({ module }) => module));
    for (const { moduleId } of fleetModules) {
      expect(planFor(deviceIdOf(0), moduleId, compliantTwin(moduleId))).toEqual({ drifts: [], actions: [] });
    }
  });

  it('has a valid, unique id for each device', () => {
    const ids = Array.from({ length: devices }, (_, number) => deviceIdOf(number));
    expect(new Set(ids).size).toBe(devices);
    expect(ids.filter((id) => !isDeviceId(id))).toEqual([]);
  });
});

describe('broken modules', () => {
  const all = breakages(50, devices);

  it('are on different devices, spread over the whole fleet', () => {
    const ids = Array.from({ length: devices }, (_, number) => deviceIdOf(number));
    const numbers = all.map(({ deviceId }) => ids.indexOf(deviceId));
    expect(new Set(numbers).size).toBe(50);
    expect(Math.min(...numbers)).toBe(0);
    expect(Math.max(...numbers)).toBe(4_900);
    expect(new Set(breakages(7, 7).map(({ deviceId }) => deviceId)).size).toBe(7);
  });

  it('have drift, and are compliant again after the repair', () => {
    for (const breakage of all) {
      const { deviceId, moduleId } = breakage;
      const twin = brokenTwin(breakage);
      const [action, ...more] = planFor(deviceId, moduleId, twin).actions;
      expect(more).toEqual([]);
      if (action?.type !== 'patchDesired') throw new Error(`No action repairs ${JSON.stringify(breakage)}.`);
      expect(mergePatch(twin.desired.values, action.patch)).toEqual(compliantTwin(moduleId).desired.values);
    }
  });

  it('have every kind of drift on both modules, some of them in two properties', () => {
    const drifts = all.map((breakage) => planFor(breakage.deviceId, breakage.moduleId, brokenTwin(breakage)).drifts);
    const kinds = new Set(drifts.flat().map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['missingBaseline', 'missingProperty', 'wrongValue']);
    expect(new Set(all.map(({ moduleId }) => moduleId)).size).toBe(fleetModules.length);
    expect(drifts.filter(({ length }) => length === 2).length).toBeGreaterThanOrEqual(10);
  });

  it('cannot outnumber the devices', () => {
    expect(() => breakages(11, 10)).toThrow(new RangeError('11 broken modules need 11 devices, and there are 10.'));
  });
});
