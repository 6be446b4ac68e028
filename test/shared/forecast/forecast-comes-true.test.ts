import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { type Forecast, forecast } from '../../../shared/forecast/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import {
  absent,
  between,
  byDefault,
  type Device,
  oneOf,
  type PolicyDefinition,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { inPagesOf } from '../../support/disturbed-hub.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';

let world: SweepWorld;

beforeAll(async () => {
  world = await startSweepWorld();
});

afterAll(() => world.close());

const mode = fc.constantFrom('enforce' as const, 'audit' as const);
const appliesTo: fc.Arbitrary<PolicyDefinition['appliesTo']> = fc.constantFrom(
  undefined,
  { deviceId: 'd*' },
  { deviceId: 'd*-*1*' },
  { tags: { site: 'a' } },
  { tags: { site: 'a', list: [[1]] } },
  { edge: true },
  ({ tags, deviceId }: Device) => tags.site === 'b' && !deviceId.endsWith('-2'),
);
const desired = fc.constantFrom<PolicyDefinition['desired'][]>(
  { a: 1, b: byDefault('x') },
  { a: between(1, 2, { otherwise: 1 }), b: absent() },
  { a: { deep: oneOf(['x', 'y'], { otherwise: 'y' }) }, c: true },
  { a: { deep: { deeper: [1, 2] } } },
);

/**
 * Sets of policies for the modules `A` and `B` and for the devices' own twins. There are up to two policies for each of these. One owns
 * properties, and the other only has an `evaluate` function. So the policies never conflict.
 */
const policySets: fc.Arbitrary<readonly PolicyDefinition[]> = fc
  .tuple(
    ...['A', 'B', ''].flatMap((module) => [
      fc.record({
        name: fc.constant(`owns-${module.toLowerCase() || 'device'}`),
        ...(module === '' ? {} : { module: fc.constant(module), createModule: fc.boolean() }),
        mode,
        appliesTo,
        desired,
      }),
      fc.record({
        name: fc.constant(`looks-${module.toLowerCase() || 'device'}`),
        ...(module === '' ? {} : { module: fc.constant(module), createModule: fc.boolean() }),
        mode,
        appliesTo,
        evaluate: fc.constant((twin: { readonly desired: { readonly properties: JsonObject } }) =>
          twin.desired.properties.z === 1 ? [{ path: 'z', expected: 2 }, { path: 'y' }] : [],
        ),
      }),
    ]),
  )
  .chain((all) => fc.subarray(all, { minLength: 1 }))
  .map((definitions) =>
    definitions.map(({ appliesTo: scope, ...rest }) =>
      scope === undefined ? (rest as PolicyDefinition) : ({ ...rest, appliesTo: scope } as PolicyDefinition),
    ),
  )
  // All policies for one module have the same mode. With different modes, a sweep creates the missing module and then also records drift of
  // the new module. The forecast plans each device only once, so it does not count that drift.
  .filter((all) => all.every((one) => all.every((other) => one.module !== other.module || one.mode === other.mode)));

const value = fc.constantFrom(0, 1, 2, 'x', 'y', { deep: 'x' }, { deep: { deeper: [1, 2] } });
const properties = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'z'), value, { maxKeys: 4 });
const fleets = fc.array(
  fc.record({
    tags: fc.constantFrom<JsonObject[]>({}, { site: 'a' }, { site: 'a', list: [1] }, { site: 'b' }),
    edge: fc.boolean(),
    own: properties,
    modules: fc.subarray(['A', 'B']),
    desired: properties,
  }),
  { minLength: 1, maxLength: 15 },
);

/** Only the second policy finds the module, which is out of its scope. The sweep learns that from a read. */
const foundOnlyBySecond: [PolicyDefinition[], typeof fleets extends fc.Arbitrary<infer T> ? T : never, 2] = [
  [
    { name: 'owns-b', module: 'B', createModule: false, mode: 'audit', desired: { a: { deep: { deeper: [1, 2] } } } },
    {
      name: 'looks-b',
      module: 'B',
      createModule: false,
      mode: 'audit',
      appliesTo: { tags: { site: 'a' } },
      evaluate: ({ desired: { properties: own } }) => (own.z === 1 ? [{ path: 'z', expected: 2 }] : []),
    },
  ],
  [{ tags: {}, edge: false, own: {}, modules: ['B'], desired: { z: 1, a: { deep: { deeper: [1, 2] } } } }],
  2,
];

let runs = 0;

describe('a forecast', () => {
  it('predicts the changes and the hub calls of the next sweep, after which nothing is left to change', async () => {
    await fc.assert(
      fc.asyncProperty(policySets, fleets, fc.constantFrom(2, 7, 1000), async (policies, fleet, pageSize) => {
        await world.clear();
        // Each run needs new device ids, because the history still contains the devices of earlier runs.
        const run = ++runs;
        for (const [index, device] of fleet.entries()) {
          const modules = Object.fromEntries(device.modules.map((id) => [id, device.desired as JsonObject]));
          world.add(`d${run}-${index}`, modules, device);
          world.hub.registry.patchTwin({ deviceId: `d${run}-${index}` }, { desired: device.own as JsonObject }, '*');
        }
        const throughHub = (hub: Hub) => inPagesOf(pageSize, hub);
        const predict = (): Promise<Forecast> =>
          forecast({
            policies: toPolicySet(policies, { mode: 'enforce' }),
            hub: throughHub(world.hubClient),
            budget: { tier: 'S1', units: 1, share: 1, messageShare: 1 },
            limit: { type: 'count', count: 1_000_000 },
            clock: systemClock,
          });

        const before = await predict();
        const callsBefore = await world.calls();
        await world.newInstance(policies, { throughHub }).sweep();
        const callsAfter = await world.calls();

        const rows = (await Promise.all(fleet.map((_, index) => world.history(`d${run}-${index}`)))).flat();
        const byPolicy = policies.map(({ name }) => {
          // A missing baseline is one row, and counts with the number of its properties.
          const outcomes = rows
            .filter(({ policy }) => policy === name)
            .flatMap(({ outcome, kind, expected }) =>
              Array<string>(kind === 'missingBaseline' && outcome === 'enforced' ? leafCount(expected) : 1).fill(
                outcome,
              ),
            );
          const count = (of: string) => outcomes.filter((outcome) => outcome === of).length;
          return [name, count('created'), count('enforced'), count('audited')];
        });
        expect(byPolicy).toEqual(
          before.policies.map(({ policy, modulesToCreate, propertiesToChange, recorded }) => [
            policy,
            modulesToCreate,
            propertiesToChange,
            recorded.reduce((total, { count }) => total + count, 0),
          ]),
        );
        for (const operation of ['twinRead', 'twinUpdate', 'bulk'] as const) {
          expect([operation, (callsAfter[operation] ?? 0) - (callsBefore[operation] ?? 0)]).toEqual([
            operation,
            before.calls[operation],
          ]);
        }
        const after = await predict();
        expect(
          after.policies.map(({ policy, modulesToCreate, propertiesToChange }) => [
            policy,
            modulesToCreate,
            propertiesToChange,
          ]),
        ).toEqual(policies.map(({ name }) => [name, 0, 0]));
        expect(after.somethingToDo).toBe(after.policies.some(({ devices, compliant }) => compliant < devices));
      }),
      { numRuns: 8, examples: [foundOnlyBySecond] },
    );
  });
});

function leafCount(value: unknown): number {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + leafCount(inner), 0);
}
