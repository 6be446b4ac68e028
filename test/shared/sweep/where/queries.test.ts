import { describe, expect, it } from 'vitest';
import { absent, baselineOf, isRequired, toPolicySet } from '../../../../shared/policy/index.ts';
import { maxQueryLength, parseQuery } from '../../../../shared/query/index.ts';
import {
  brokenModulesQueries,
  compileRules,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
  twinsQuery,
} from '../../../../shared/sweep/where/index.ts';
import { type Json, type JsonObject, mergePatch } from '../../../../shared/twin/index.ts';
import { fc } from '../../../support/arbitraries.ts';
import { builtIn } from '../../../support/built-in-policies.ts';
import { policyOf, policyWithTwin, selects, toPolicy } from './policy-and-twin.ts';

describe('the queries of a policy', () => {
  const appliesTo = { tags: { environment: 'production' }, deviceId: 'plant-*' };

  it('about a module select modules, whose twins show no tags of the device', () => {
    const policy = policyOf({ appliesTo, module: "Agent'1", desired: { a: absent() } });
    const where = "WHERE moduleId = 'Agent\\'1' AND STARTSWITH(deviceId, 'plant-')";
    expect(brokenModulesQueries(policy)).toEqual([
      `SELECT deviceId, version FROM devices.modules ${where} AND (IS_DEFINED(properties.desired.a))`,
    ]);
    expect(modulesQuery(policy)).toBe(`SELECT deviceId FROM devices.modules ${where}`);
    expect(twinsQuery(policy)).toBe(
      `SELECT deviceId, version, properties.desired AS desired FROM devices.modules ${where}`,
    );
    expect(countModulesQuery(policy)).toBe(`SELECT COUNT() AS n FROM devices.modules ${where}`);
    const inScope = "WHERE STARTSWITH(deviceId, 'plant-') AND tags.environment = 'production'";
    expect(devicesQuery(policy)).toBe(`SELECT deviceId FROM devices ${inScope}`);
    expect(countDevicesQuery(policy)).toBe(`SELECT COUNT() AS n FROM devices ${inScope}`);
  });

  it("about the device's own twin select devices", () => {
    const policy = toPolicy({ name: 'test', appliesTo, desired: { a: absent() } });
    const inScope = "WHERE STARTSWITH(deviceId, 'plant-') AND tags.environment = 'production'";
    expect(brokenModulesQueries(policy)).toEqual([
      `SELECT deviceId, version FROM devices ${inScope} AND (IS_DEFINED(properties.desired.a))`,
    ]);
    const columns = 'deviceId, tags, capabilities.iotEdge AS iotEdge, version, properties.desired AS desired';
    expect(twinsQuery(policy)).toBe(`SELECT ${columns} FROM devices ${inScope}`);
  });

  it('about all devices have no condition', () => {
    const policy = policyOf({});
    expect(devicesQuery(policy)).toBe('SELECT deviceId FROM devices');
    expect(countDevicesQuery(policy)).toBe('SELECT COUNT() AS n FROM devices');
  });

  it('are valid in the query language', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy }) => {
        const all = [modulesQuery, twinsQuery, countModulesQuery, devicesQuery, countDevicesQuery].map((to) =>
          to(policy),
        );
        for (const query of [...all, ...brokenModulesQueries(policy)]) expect(() => parseQuery(query)).not.toThrow();
      }),
    );
  });
});

describe('the built-in policies', () => {
  const { all } = toPolicySet(builtIn, { mode: 'enforce' });

  it.each(all.map((policy) => [policy.name, policy] as const))('need no walk: %s', (_, policy) => {
    expect(compileRules(policy).walkReason).toBeUndefined();
  });

  it('need four queries, which fit the maximum length', () => {
    const queries = all.flatMap((policy) => brokenModulesQueries(policy));
    expect(queries).toHaveLength(4);
    for (const query of queries) {
      expect(query.length).toBeLessThanOrEqual(maxQueryLength);
      expect(parseQuery(query).source).toBe('devices.modules');
    }
  });

  it('have queries that return a module after any single setting was changed, removed or not reported', () => {
    for (const policy of all) {
      const queries = brokenModulesQueries(policy);
      const isFound = (desired: JsonObject, reported: JsonObject) => {
        const document = { deviceId: 'd', moduleId: policy.module, properties: { desired, reported } };
        return queries.some((query) => selects(query, document));
      };
      const baseline = baselineOf(policy);
      expect(isFound(baseline, {})).toBe(false);
      expect(isFound(baseline, baseline)).toBe(false);
      expect(isFound(baseline, { latest_state: 'success' })).toBe(false);
      expect(isFound(baseline, { latest_state: 'failed' })).toBe(policy.reported?.failure !== undefined);
      for (const { path, rule } of policy.owned) {
        const change = (value: Json) => mergePatch(baseline, nest(path, value));
        if (isRequired(rule)) expect(isFound(change(null), {}), path.join('.')).toBe(true);
        if (rule.rule !== 'byDefault') expect(isFound(change('other'), {}), path.join('.')).toBe(true);
        expect(isFound(baseline, change('other'))).toBe(policy.reported?.mirrors === true);
      }
    }
  });
});

/** Returns an object that has only one value, at this path. */
function nest(path: readonly string[], value: Json): JsonObject {
  const [key = '', ...rest] = path;
  return { [key]: rest.length === 0 ? value : nest(rest, value) };
}
