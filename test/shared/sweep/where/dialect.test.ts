import { describe, expect, it } from 'vitest';
import { brokenRules } from '../../../../shared/reconcile/departures.ts';
import { usesFunctions } from '../../../../shared/sweep/query-functions.ts';
import {
  brokenModulesQueries,
  compileRules,
  compileScope,
  countDevicesByIdQuery,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
  twinsQuery,
} from '../../../../shared/sweep/where/index.ts';
import { getAt } from '../../../../shared/twin/index.ts';
import { fc } from '../../../support/arbitraries.ts';
import { meetsAny, policyWithScope, policyWithTwin, selects } from './policy-and-twin.ts';

const isPrimitive = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);

describe('a query of documented words', () => {
  it('has no function that is not documented for twins, whatever the policy', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy }) => {
        const queries = [
          ...brokenModulesQueries(policy, 'documented'),
          ...[modulesQuery, twinsQuery, countModulesQuery, countDevicesQuery, countDevicesByIdQuery].map((to) =>
            to(policy, 'documented'),
          ),
          devicesQuery(policy, true, 'documented'),
        ];
        expect(queries.filter(usesFunctions)).toEqual([]);
      }),
    );
  });

  it('finds each twin that breaks a rule, unless a value is an object, a list, or a text with a pattern', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: false }), ({ policy, document, twin }) => {
        const { conditions } = compileRules(policy, 'documented');
        const isBroken = brokenRules([policy], twin).length > 0;
        if (meetsAny(conditions, document)) expect(isBroken).toBe(true);
        else if (isBroken) {
          const values = policy.owned.map(({ path }) => getAt(twin.desired.properties, path));
          const hasPattern = JSON.stringify(policy.owned).includes('"matches"');
          expect(hasPattern || values.some((value) => value !== undefined && !isPrimitive(value))).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, Parameters<typeof policyWithScope>[0], string]>([
    ['tags', { tags: { plant: 1 } }, 'tags.plant = 1'],
    ['a whole id', { deviceId: 'a' }, "deviceId = 'a'"],
    ['a pattern of ids', { deviceId: 'a*' }, ''],
    ['ids with a pattern among them', { deviceId: ['a', 'b*'] }, ''],
    ['excluded tags', { not: { tags: { plant: 1 } } }, ''],
    ['excluded ids', { not: { deviceId: 'a' } }, "deviceId != 'a'"],
    ['a pattern and tags', { deviceId: 'a*', tags: { plant: 1 } }, 'tags.plant = 1'],
  ])('tests no less than the scope: %s', (_, appliesTo, condition) => {
    const policy = policyWithScope(appliesTo);
    expect(compileScope(policy, 'documented').condition).toBe(condition);
    for (const deviceId of ['a', 'ab', 'b1', 'c']) {
      for (const tags of [{}, { plant: 1 }, { plant: { floor: 1 } }]) {
        const device = { deviceId, tags, edge: false };
        const document = { deviceId, tags, capabilities: { iotEdge: false } };
        if (policy.scope.matches(device))
          expect(selects(devicesQuery(policy, false, 'documented'), document)).toBe(true);
      }
    }
  });
});
