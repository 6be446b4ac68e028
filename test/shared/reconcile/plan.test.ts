import { describe, expect, it } from 'vitest';
import { newTwin } from '../../../infra/local/hub/twin.ts';
import { readSection } from '../../../infra/local/hub/twin-body.ts';
import { absent, definePolicy, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { plan } from '../../../shared/reconcile/index.ts';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  limitFaults,
  mergePatch,
  overlaps,
  type Path,
  toTwin,
  twinSize,
} from '../../../shared/twin/index.ts';
import { fc, policySets } from '../../support/arbitraries.ts';
import { carryOut, deviceModules, later, planFor } from './device-modules.ts';

describe('a plan', () => {
  it('leaves nothing to do after its actions', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        const after = carryOut(modules, planFor(policies, modules).actions).modules;
        expect(planFor(policies, after).actions).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  it('repairs every departure of enforcing policies', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        const after = carryOut(modules, planFor(policies, modules).actions).modules;
        const left = planFor(policies, after).drifts.filter(({ mode }) => mode === 'enforce');
        expect(left).toEqual([]);
      }),
    );
  });

  it('changes only properties that an enforcing policy owns', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        const after = carryOut(modules, planFor(policies, modules).actions).modules;
        for (const [moduleId, twin] of Object.entries(modules)) {
          if (twin === undefined) continue;
          const owned = policies
            .forModule(moduleId)
            .filter(({ mode }) => mode === 'enforce')
            .flatMap((policy) => policy.owned.map(({ path }) => path));
          const now = after[moduleId];
          if (now === undefined) throw new Error('a module is missing');
          expect(unowned(now.desired.values, owned)).toEqual(unowned(twin.desired.values, owned));
          expect(now.tags).toEqual(twin.tags);
        }
      }),
      { numRuns: 250 },
    );
  });

  it('is the same each time, and does not change its arguments', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        const before = JSON.stringify(modules);
        expect(planFor(policies, modules)).toEqual(planFor(policies, modules));
        expect(JSON.stringify(modules)).toBe(before);
      }),
    );
  });

  it('has at most one action for each module, and no action for an auditing policy', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        const { actions } = planFor(policies, modules);
        expect(new Set(actions.map(({ moduleId }) => moduleId)).size).toBe(actions.length);
        for (const { repairs } of actions) {
          expect(repairs.length).toBeGreaterThan(0);
          expect(repairs.every(({ mode }) => mode === 'enforce')).toBe(true);
        }
      }),
    );
  });

  it('stays within the limits of a twin', () => {
    fc.assert(
      fc.property(policySets(), deviceModules, (policies, modules) => {
        for (const action of planFor(policies, modules).actions) {
          const content = action.type === 'createModule' ? action.desired : action.patch;
          // The local hub throws when the content exceeds the limits of a twin. A `null` is allowed here, because it removes a property in
          // a patch.
          readSection('properties.desired', content);
          const faults = limitFaults(content).filter(({ message }) => !message.startsWith('a twin cannot hold null'));
          expect(faults).toEqual([]);
        }
      }),
    );
  });

  it('never makes a twin too large, and reports when a twin has no room for the repair', () => {
    const policies = toPolicySet(
      [
        definePolicy({
          name: 'large',
          module: 'A',
          desired: { a: 'x'.repeat(4000), b: 'y'.repeat(4000), c: 'z'.repeat(4000), legacy: absent() },
        }),
      ],
      { mode: 'enforce' },
    );
    const strings = fc.array(fc.integer({ min: 0, max: 4096 }), { minLength: 6, maxLength: 9 });
    fc.assert(
      fc.property(strings, fc.boolean(), (lengths, legacy) => {
        const fillers = lengths.map((length, index) => [`f${index}`, 'f'.repeat(length)] as const);
        const desired: JsonObject = { ...Object.fromEntries(fillers), ...(legacy ? { legacy: 'l'.repeat(4000) } : {}) };
        fc.pre(twinSize(desired) <= 32_768);
        const { drifts, actions } = planFor(policies, { A: newTwin({ desired }, later) });
        const [action] = actions;
        const before = twinSize(desired);
        if (action?.type === 'patchDesired') {
          expect(twinSize(mergePatch(desired, action.patch))).toBeLessThanOrEqual(Math.max(before, 32_768));
        } else {
          expect(before + 3 * 4001 - (legacy ? 4006 : 0)).toBeGreaterThan(32_768);
          for (const drift of drifts) expect(drift.message).toMatch(/cannot be repaired.*32768/);
        }
      }),
    );
  });

  it('does not create a module when the baselines of its policies together exceed the limits', () => {
    const half = (name: string, letter: string): PolicyDefinition => ({
      name,
      module: 'A',
      createModule: true,
      desired: Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`${letter}${n}`, letter.repeat(4000)])),
    });
    const policies = toPolicySet([half('one', 'a'), half('two', 'b')], { mode: 'enforce' });
    const { drifts, actions } = planFor(policies, { A: undefined });
    expect(actions.length).toBe(0);
    expect(drifts).toMatchObject([
      { policy: 'one', kind: 'missingModule', message: expect.stringContaining('32768') },
      { policy: 'two', kind: 'missingModule', message: expect.stringContaining('32768') },
    ]);
  });

  it('creates a module that meets every enforcing policy', () => {
    const policies = toPolicySet(
      [
        { name: 'one', module: 'A', createModule: true, moduleTags: { t: 1 }, desired: { a: 1, s: { x: true } } },
        { name: 'two', module: 'A', moduleTags: { u: 2 }, desired: { b: 2, s: { y: false } } },
        { name: 'three', module: 'A', mode: 'audit', desired: { c: 3 } },
      ],
      { mode: 'enforce' },
    );
    expect(planFor(policies, { A: undefined }).actions).toMatchObject([
      { type: 'createModule', desired: { a: 1, b: 2, s: { x: true, y: false } }, tags: { t: 1, u: 2 } },
    ]);
  });

  it('treats __proto__ as an ordinary property name', () => {
    const desired = JSON.parse('{"__proto__":{"polluted":1},"constructor":"c"}') as PolicyDefinition['desired'];
    const policies = toPolicySet([{ name: 'odd', module: 'A', ...(desired === undefined ? {} : { desired }) }], {
      mode: 'enforce',
    });
    const after = carryOut({ A: newTwin({}, 1) }, planFor(policies, { A: newTwin({}, 1) }).actions).modules;
    expect(JSON.stringify(after.A?.desired.values)).toBe('{"__proto__":{"polluted":1},"constructor":"c"}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('an evaluate that never settles', () => {
  const counter = definePolicy({
    name: 'counter',
    module: 'm',
    desired: { mode: 'High' },
    evaluate: (twin) => [{ path: 'count', expected: Number(twin.desired.properties.count ?? 0) + 1 }],
  });

  it('becomes a policyError, and the rules of its policy are still repaired', () => {
    const { all } = toPolicySet([counter], { mode: 'enforce' });
    const twin = toTwin({ etag: 'e', properties: { desired: { mode: 'Low', count: 1 } } }, 'd', 'm');
    if (twin === undefined) throw new Error('no twin');
    const device = { deviceId: 'd', tags: {}, edge: false };
    const { drifts, actions } = plan(all, { device, twins: [{ moduleId: 'm', twin }] });
    expect(drifts.map(({ kind }) => kind)).toEqual(['wrongValue', 'policyError']);
    expect(actions).toMatchObject([{ patch: { mode: 'High' } }]);
  });
});

describe('a value that stands in place of a section', () => {
  it('is named in the message of each property of that section', () => {
    const { all } = toPolicySet([{ name: 'p', module: 'm', desired: { s: { a: 1, b: 2 } } }], { mode: 'enforce' });
    const twin = toTwin({ etag: 'e', properties: { desired: { s: 'mine' } } }, 'd', 'm');
    if (twin === undefined) throw new Error('no twin');
    const { drifts } = plan(all, {
      device: { deviceId: 'd', tags: {}, edge: false },
      twins: [{ moduleId: 'm', twin }],
    });
    expect(drifts).toMatchObject([
      { path: 's.a', kind: 'missingProperty', message: 's holds "mine" instead of a section' },
      { path: 's.b', kind: 'missingProperty', message: 's holds "mine" instead of a section' },
    ]);
  });
});

/** The leaf values of an object, by dotted path. Leaves out each path that overlaps an owned path. */
function unowned(root: JsonObject, owned: readonly Path[]): Readonly<Record<string, Json>> {
  const leaves: [string, Json][] = [];
  const visit = (value: Json, path: Path): void => {
    if (owned.some((other) => overlaps(other, path) && other.length <= path.length)) return;
    if (isJsonObject(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
    } else if (!owned.some((other) => overlaps(other, path))) leaves.push([path.join('.'), value]);
  };
  visit(root, []);
  return Object.fromEntries(leaves);
}
