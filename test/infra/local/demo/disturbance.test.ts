import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import { breaches } from '../../../../infra/local/demo/departures.ts';
import { DISTURBANCE_KINDS, type Disturbance, disturb } from '../../../../infra/local/demo/disturbance.ts';
import { seededRandom } from '../../../../infra/local/demo/random.ts';
import { absent, baselineOf, type Policy, toPolicySet } from '../../../../shared/policy/index.ts';
import { type JsonObject, limitFaults, mergePatch } from '../../../../shared/twin/index.ts';
import { policies as fixturePolicies } from '../../../support/fixture-policies.ts';

const device = { deviceId: 'press-0001', tags: {}, edge: false };
const strictly = toPolicySet(
  [{ name: 'no-shell', module: 'shell', createModule: true, desired: { depth: { open: absent() }, port: 22 } }],
  { mode: 'enforce' },
).all;
const policies: readonly Policy[] = [...demoPolicies(fixturePolicies), ...strictly];
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** The desired properties of the module after each patch of a disturbance, when Twinkeeper repairs nothing between the patches. */
function after({ steps }: Disturbance): readonly { readonly moduleId: string; readonly desired: JsonObject }[] {
  const states: { moduleId: string; desired: JsonObject }[] = [];
  for (const step of steps) {
    if (step.type !== 'patchDesired') continue;
    const { moduleId, patch } = step;
    const baseline = policies
      .filter(({ module }) => module === moduleId)
      .reduce<JsonObject>((merged, policy) => mergePatch(merged, baselineOf(policy)), {});
    states.push({ moduleId, desired: mergePatch(states.at(-1)?.desired ?? baseline, patch) });
  }
  return states;
}

function made(kind: (typeof DISTURBANCE_KINDS)[number], seed: number): Disturbance {
  const disturbance = disturb(kind, device, policies, seededRandom(seed));
  if (disturbance === undefined) throw new Error(`No room for ${kind}.`);
  return disturbance;
}

describe('a disturbance', () => {
  it('exists for every kind', () => {
    for (const kind of DISTURBANCE_KINDS) expect(made(kind, 1).steps.length, kind).toBeGreaterThan(0);
  });

  it('of one patch lists the departures that the twin then shows', () => {
    const kinds = fc.constantFrom(
      ...([
        'wrongValue',
        'wrongType',
        'propertyRemoved',
        'forbiddenProperty',
        'sectionNulled',
        'sectionReplaced',
      ] as const),
    );
    fc.assert(
      fc.property(kinds, seeds, (kind, seed) => {
        const disturbance = made(kind, seed);
        const [state] = after(disturbance);
        const found = breaches(policies, device, state?.moduleId ?? '', state?.desired ?? {});
        const listed = disturbance.departures.map((one) => `${one.deviceId} ${one.moduleId} ${one.path}: ${one.kind}`);
        expect(listed.length).toBeGreaterThan(0);
        expect(listed.toSorted()).toEqual(found.toSorted());
      }),
    );
  });

  it('writes only values that a twin can hold', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DISTURBANCE_KINDS), seeds, (kind, seed) => {
        for (const { desired } of after(made(kind, seed))) expect(limitFaults(desired)).toEqual([]);
      }),
    );
  });

  it('that is changed back is one departure and leaves the twin compliant', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const disturbance = made('changedBack', seed);
        const last = after(disturbance).at(-1);
        expect(disturbance.departures).toHaveLength(1);
        expect(breaches(policies, device, last?.moduleId ?? '', last?.desired ?? {})).toEqual([]);
      }),
    );
  });

  it('of two changes is two departures of one module, written at the same time', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { departures, atOnce } = made('twoChanges', seed);
        expect(departures).toHaveLength(2);
        expect(new Set(departures.map(({ moduleId }) => moduleId)).size).toBe(1);
        expect(atOnce).toBe(true);
      }),
    );
  });

  it('that breaks no rule has no departure', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(made('harmlessChange', seed).departures).toEqual([]);
      }),
    );
  });

  it('that deletes a device has the departure of the change before, and none for the deleted modules', () => {
    const { steps, departures } = made('deviceDeleted', 7);
    expect(steps.map(({ type }) => type)).toEqual(['patchDesired', 'deleteDevice']);
    expect(departures).toHaveLength(1);
  });
});
