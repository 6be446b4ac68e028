import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { newTwin, patchReported, patchTwin, renderTwin } from '../../../infra/local/hub/twin.ts';
import {
  absent,
  baselineOf,
  between,
  byDefault,
  exactly,
  oneOf,
  type Policy,
  type PolicyDefinition,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import { holds, maxQueryLength, parseCondition, parseQuery } from '../../../shared/query/index.ts';
import { brokenRules } from '../../../shared/reconcile/departures.ts';
import { notReported } from '../../../shared/reconcile/not-reported.ts';
import {
  brokenModulesQueries,
  compileModuleScope,
  compileReported,
  compileRules,
  compileScope,
  countDevicesQuery,
  countModulesQuery,
  modulesQuery,
  scopeQuery,
  twinsQuery,
} from '../../../shared/sweep/where/index.ts';
import { getAt, type Json, type JsonObject, mergePatch, type Twin, toTwin } from '../../../shared/twin/index.ts';
import { fc, hubTwins, jsonObject, patchObject, policySets } from '../../support/arbitraries.ts';

const builtIn = [azureiotsecurity, defenderMicroAgent];

const hour = 3_600_000;
const now = '2026-02-03T04:05:06Z';

describe("a policy's rules", () => {
  it('become conditions that are true exactly of the twins that break one', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: false }), ({ policy, document, twin }) => {
        const { conditions, walk } = compileRules(policy);
        expect(walk).toBeUndefined();
        expect(holdsAny(conditions, document)).toBe(brokenRules([policy], twin).length > 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('that want objects become conditions that are true of none but twins that break one, and call for a walk', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy, document, twin }) => {
        const { conditions, walk } = compileRules(policy);
        const isBroken = brokenRules([policy], twin).length > 0;
        if (holdsAny(conditions, document)) expect(isBroken).toBe(true);
        else if (isBroken) expect(walk).toContain(policy.name);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Json | ReturnType<typeof exactly>, string]>([
    ['a text', 'High', "NOT IS_STRING(P) OR P != 'High'"],
    ['a truth value', true, 'NOT IS_BOOL(P) OR P != true'],
    ['a number', 256, 'NOT IS_NUMBER(P) OR P != 256'],
    ['a range', between(60, 2880, { otherwise: 60 }), 'NOT IS_NUMBER(P) OR P < 60 OR P > 2880'],
    ['a choice', oneOf(['High', 'Low'], { otherwise: 'Low' }), "NOT IS_STRING(P) OR P NIN ['High','Low']"],
    ['a choice of one', oneOf(['High', 'High'], { otherwise: 'High' }), "NOT IS_STRING(P) OR P != 'High'"],
    ['either truth value', oneOf([true, false], { otherwise: true }), 'NOT IS_BOOL(P)'],
    [
      'a choice across types',
      oneOf(['Off', 1, 2, false], { otherwise: 1 }),
      "((NOT IS_STRING(P) OR P != 'Off') AND (NOT IS_NUMBER(P) OR P NIN [1,2]) AND (NOT IS_BOOL(P) OR P != false))",
    ],
    ['something', byDefault([1]), 'NOT IS_DEFINED(P)'],
    ['nothing', absent(), 'IS_DEFINED(P)'],
  ])('are written with the type tested first: %s', (_, rule, text) => {
    expect(compileRules(policyOf({ desired: { a: rule } }))).toEqual({
      conditions: [text.replaceAll('P', 'properties.desired.a')],
    });
  });

  it('hold also where a section has become a text', () => {
    const { conditions } = compileRules(policyOf({ desired: { a: { b: { c: 1 } } } }));
    for (const desired of [{}, { a: 'x' }, { a: { b: [1] } }, { a: { b: { c: '1' } } }]) {
      expect(holdsAny(conditions, { properties: { desired } })).toBe(true);
    }
    expect(holdsAny(conditions, { properties: { desired: { a: { b: { c: 1 } } } } })).toBe(false);
  });

  it('that are too many for one query are spread over as few as will do, each short enough', () => {
    const desired = Object.fromEntries(
      Array.from({ length: 150 }, (_, index) => [`setting${index}`, { value: `${index}`.repeat(1 + (index % 40)) }]),
    );
    const policy = policyOf({ module: "m'".repeat(60), appliesTo: { deviceId: "it's-*" }, desired });
    const { conditions, walk } = compileRules(policy);
    expect(walk).toBeUndefined();
    const queries = brokenModulesQueries(policy);
    expect(queries).toHaveLength(conditions.length);
    for (const [index, query] of queries.entries()) {
      expect(query.length).toBeLessThanOrEqual(maxQueryLength);
      expect(query).toContain(`(${conditions[index]})`);
      expect(parseQuery(query).source).toBe('devices.modules');
    }
    const room = maxQueryLength - (queries[0] ?? '').replace(conditions[0] ?? '', '').length;
    expect(conditions.length).toBe(Math.ceil(conditions.join(' OR ').length / room));

    expect(holdsAny(conditions, { properties: { desired: baselineOf(policy) } })).toBe(false);
    for (const key of Object.keys(desired)) {
      const broken = mergePatch(baselineOf(policy), { [key]: { value: 'other' } });
      expect(holdsAny(conditions, { properties: { desired: broken } })).toBe(true);
    }
  });
});

describe('a walk', () => {
  it.each<[string, Partial<PolicyDefinition>, string]>([
    ['an object', { desired: { a: { b: exactly({ c: 1 }) } } }, 'desired.a.b wants an object or a list'],
    ['a list among texts', { desired: { a: oneOf(['x', ['y']], { otherwise: 'x' }) } }, 'desired.a wants an object'],
    ['a key with brackets', { desired: { 'a[0]': 1 } }, 'desired.a[0] has a key that a query cannot write'],
    ['a text that fills a query', { desired: { a: "'".repeat(4096) } }, 'desired.a is too long for a query'],
    ['an evaluate function', { evaluate: () => [] }, 'it has an evaluate function'],
    [
      'an object that the agent should report',
      { desired: { a: byDefault({ b: 1 }) }, reported: { mirrors: true } },
      'desired.a holds an object or a list, which a query cannot compare with what is reported',
    ],
    [
      'an object that tells a failure',
      { reported: { failure: { path: 'state', value: ['failed'] } } },
      'reported.state tells a failure by what a query cannot compare',
    ],
  ])('is called for by %s, with the policy and the path', (_, definition, reason) => {
    const { walk } = compileRules(policyOf(definition));
    expect(walk).toContain('the policy test');
    expect(walk).toContain(reason);
  });

  it('does not keep the other rules from being asked for', () => {
    const { conditions, walk } = compileRules(policyOf({ desired: { a: exactly([]), 'b[': 1, c: 1, d: true } }));
    expect(conditions).toHaveLength(1);
    expect(conditions[0]).toContain('properties.desired.c != 1');
    expect(walk).toBe(
      'Queries cannot find all that departs from the policy test: desired.a wants an object or a list, which a query cannot compare; ' +
        'desired.b[ has a key that a query cannot write.',
    );
  });

  it('tells a few of many reasons', () => {
    const desired = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, exactly([])]));
    expect(compileRules(policyOf({ desired })).walk).toMatch(/desired\.c [^;]+; and 2 more\.$/);
  });
});

describe('what an agent should report', () => {
  const policies = fc
    .tuple(policyWithTwin({ objects: false }), fc.boolean(), fc.boolean())
    .map(([{ policy, document, twin }, mirrors, failure]) => ({
      document,
      twin,
      policy: {
        ...policy,
        reported: {
          mirrors,
          graceMinutes: 0,
          ...(failure ? { failure: { path: ['a'], value: 'x' } } : {}),
        },
      } satisfies Policy,
    }));

  it('becomes conditions that, with those of the rules, are true exactly of the twins that break one or are not heeded', () => {
    fc.assert(
      fc.property(policies, ({ policy, document, twin }) => {
        const found = brokenRules([policy], twin).length + notReported([policy], twin, now).length > 0;
        const { conditions, walk } = compileRules(policy);
        expect(walk).toBeUndefined();
        const isSelected = holdsAny([...conditions, ...compileReported(policy)], document);
        // An object in place of a default is left alone and cannot be compared: it has to be read.
        const isUnclear = policy.owned.some(
          ({ path, rule }) =>
            rule.rule === 'byDefault' &&
            typeof getAt(twin.desired.properties, path) === 'object' &&
            policy.reported.mirrors,
        );
        if (found || !isUnclear) expect(isSelected).toBe(found);
      }),
      { numRuns: 1500 },
    );
  });

  it('is asked for with the rules, in no more queries than that takes', () => {
    fc.assert(
      fc.property(policies, ({ policy, document }) => {
        const queries = brokenModulesQueries(policy);
        const conditions = [...compileRules(policy).conditions, ...compileReported(policy)];
        expect(queries.length).toBeLessThanOrEqual(conditions.length);
        expect(queries.some((query) => selects(query, document))).toBe(holdsAny(conditions, document));
      }),
    );
  });

  it('is nothing where the policy expects no report', () => {
    expect(compileReported(policyOf({ desired: { a: 1 } }))).toEqual([]);
  });

  it('is nothing for a property that must not be there', () => {
    const policy = policyOf({ desired: { a: absent(), b: 1 }, reported: { mirrors: true } });
    expect(compileReported(policy).join()).not.toContain('properties.reported.a');
  });

  it('is asked only of agents that have reported the section at all', () => {
    const policy = policyOf({ desired: { a: { b: 1, c: 'x' } }, reported: { mirrors: true } });
    const [condition = '', ...others] = compileReported(policy);
    expect(others).toEqual([]);
    const document = (reported: JsonObject) => ({ properties: { desired: { a: { b: 1, c: 'x' } }, reported } });
    expect(holdsAny([condition], document({}))).toBe(false);
    expect(holdsAny([condition], document({ a: { b: 1, c: 'x' } }))).toBe(false);
    expect(holdsAny([condition], document({ a: {} }))).toBe(true);
    expect(holdsAny([condition], document({ a: { b: 1, c: 'y' } }))).toBe(true);
    expect(holdsAny([condition], document({ a: { b: '1', c: 'x' } }))).toBe(true);
  });
});

describe("a policy's scope", () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', 'ab', '*', '**', '\\*', "'"), { minLength: 1, maxLength: 6 })
    .map((pieces) => pieces.join(''));
  const ids = fc.array(fc.constantFrom('a', 'b', '*', "'"), { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
  const scopes = fc.record({ tags: jsonObject, edge: fc.boolean(), deviceId: glob }, { requiredKeys: [] });
  const devices = fc.record({ deviceId: ids, tags: jsonObject, edge: fc.boolean() });

  it('becomes a condition that is true of every device in it, and of no other where it is exact', () => {
    fc.assert(
      fc.property(scopes, devices, fc.boolean(), fc.boolean(), (written, other, isNear, isNew) => {
        const policy = policyOf({ appliesTo: written });
        // A device near the scope, because one at random is hardly ever in it.
        const device = isNear ? { ...other, tags: mergePatch(other.tags, written.tags ?? {}) } : other;
        const isInside = policy.scope.matches(device);
        const { condition, exact } = compileScope(policy);
        const isSelected = holdsAny([condition], documentOf(device, isNew));
        if (isInside || exact) expect(isSelected).toBe(isInside);

        const ofModule = compileModuleScope(policy);
        const isModuleSelected = holdsAny([ofModule.condition], { deviceId: device.deviceId, moduleId: 'm', tags: {} });
        if (isInside || ofModule.exact) expect(isModuleSelected).toBe(isInside);
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, PolicyDefinition['appliesTo'], string, boolean]>([
    ['all devices', undefined, '', true],
    ['a predicate', () => true, '', false],
    ['any id', { deviceId: '*' }, '', true],
    ['an id', { deviceId: 'plant\\*-7' }, "deviceId = 'plant*-7'", true],
    ['a prefix', { deviceId: 'plant-*' }, "STARTSWITH(deviceId, 'plant-')", true],
    ['a suffix', { deviceId: '*-eu' }, "ENDSWITH(deviceId, '-eu')", true],
    ['a part', { deviceId: '*eu*' }, "CONTAINS(deviceId, 'eu')", true],
    ['the same part twice', { deviceId: '*eu*eu*' }, "CONTAINS(deviceId, 'eu')", false],
    ['both ends', { deviceId: 'plant*eu' }, "STARTSWITH(deviceId, 'plant') AND ENDSWITH(deviceId, 'eu')", true],
    [
      'ends that can overlap',
      { deviceId: 'plant-*-eu' },
      "STARTSWITH(deviceId, 'plant-') AND ENDSWITH(deviceId, '-eu')",
      false,
    ],
    [
      'several parts',
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
    ['a list as a tag', { tags: { lines: ['a'] } }, 'IS_DEFINED(tags.lines)', false],
    ['a tag that cannot be written', { tags: { 'a]]': 1, b: 1 } }, 'tags.b = 1', false],
  ])('is written as it reads: %s', (_, appliesTo, condition, exact) => {
    expect(compileScope(policyFor(appliesTo))).toEqual({ condition, exact });
  });

  it('loses what would leave no room in a query', () => {
    const tags = { long: "'".repeat(3000), short: 'x' };
    const policy = policyOf({ appliesTo: { tags }, desired: { a: 'y'.repeat(3000) } });
    expect(compileScope(policy)).toEqual({ condition: "tags.short = 'x'", exact: false });
    expect(compileRules(policy).walk).toBeUndefined();
  });

  it('of a module is no more than what the id says', () => {
    const scope = (appliesTo: PolicyDefinition['appliesTo']) => compileModuleScope(policyFor(appliesTo));
    expect(scope({ deviceId: 'a*' })).toEqual({ condition: "STARTSWITH(deviceId, 'a')", exact: true });
    expect(scope({ deviceId: 'a*', edge: false })).toEqual({ condition: "STARTSWITH(deviceId, 'a')", exact: false });
    expect(scope({ tags: { a: 1 } })).toEqual({ condition: '', exact: false });
    expect(scope(() => true)).toEqual({ condition: '', exact: false });
    expect(scope(undefined)).toEqual({ condition: '', exact: true });
  });
});

describe('the queries of a policy', () => {
  const appliesTo = { tags: { environment: 'production' }, deviceId: 'plant-*' };

  it('about a module ask for modules, of which the hub knows no tags of the device', () => {
    const policy = policyOf({ appliesTo, module: "Agent'1", desired: { a: absent() } });
    const where = "WHERE moduleId = 'Agent\\'1' AND STARTSWITH(deviceId, 'plant-')";
    expect(brokenModulesQueries(policy)).toEqual([
      `SELECT deviceId FROM devices.modules ${where} AND (IS_DEFINED(properties.desired.a))`,
    ]);
    expect(modulesQuery(policy)).toBe(`SELECT deviceId FROM devices.modules ${where}`);
    expect(twinsQuery(policy)).toBe(`SELECT * FROM devices.modules ${where}`);
    expect(countModulesQuery(policy)).toBe(`SELECT COUNT() AS n FROM devices.modules ${where}`);
    const inScope = "WHERE STARTSWITH(deviceId, 'plant-') AND tags.environment = 'production'";
    expect(scopeQuery(policy)).toBe(`SELECT deviceId FROM devices ${inScope}`);
    expect(countDevicesQuery(policy)).toBe(`SELECT COUNT() AS n FROM devices ${inScope}`);
  });

  it("about the device's own twin ask for devices", () => {
    const policy = only([{ name: 'test', appliesTo, desired: { a: absent() } }]);
    const inScope = "WHERE STARTSWITH(deviceId, 'plant-') AND tags.environment = 'production'";
    expect(brokenModulesQueries(policy)).toEqual([
      `SELECT deviceId FROM devices ${inScope} AND (IS_DEFINED(properties.desired.a))`,
    ]);
    expect(twinsQuery(policy)).toBe(`SELECT * FROM devices ${inScope}`);
  });

  it('about all devices have no condition', () => {
    const policy = policyOf({});
    expect(scopeQuery(policy)).toBe('SELECT deviceId FROM devices');
    expect(countDevicesQuery(policy)).toBe('SELECT COUNT() AS n FROM devices');
  });

  it('are such as the language knows', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy }) => {
        const all = [modulesQuery, twinsQuery, countModulesQuery, scopeQuery, countDevicesQuery].map((to) =>
          to(policy),
        );
        for (const query of [...all, ...brokenModulesQueries(policy)]) expect(() => parseQuery(query)).not.toThrow();
      }),
    );
  });
});

describe('the built-in policies', () => {
  const { all } = toPolicySet(builtIn, { mode: 'enforce' });

  it.each(all.map((policy) => [policy.name, policy] as const))('%s need no walk', (_, policy) => {
    expect(compileRules(policy).walk).toBeUndefined();
  });

  it('are asked for in three queries that fit, whatever else is in the hub', () => {
    const queries = all.flatMap(brokenModulesQueries);
    expect(queries).toHaveLength(3);
    for (const query of queries) {
      expect(query.length).toBeLessThanOrEqual(maxQueryLength);
      expect(parseQuery(query).source).toBe('devices.modules');
    }
  });

  it('find nothing in a compliant module, and any one setting that was changed, removed or not taken', () => {
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
        if (rule.rule !== 'absent') expect(isFound(change(null), {}), path.join('.')).toBe(true);
        if (rule.rule !== 'byDefault') expect(isFound(change('other'), {}), path.join('.')).toBe(true);
        expect(isFound(baseline, change('other'))).toBe(policy.reported?.mirrors === true);
      }
    }
  });
});

interface PolicyWithTwin {
  readonly policy: Policy;
  readonly twin: Twin;
  /** The same twin as queries see it. */
  readonly document: JsonObject;
}

/** A policy, and a module twin that has something to do with it: its baseline, changed a little, or anything. */
function policyWithTwin({ objects }: { readonly objects: boolean }): fc.Arbitrary<PolicyWithTwin> {
  const changes = fc.record({ desired: fc.option(patchObject), reported: fc.option(patchObject), other: hubTwins });
  return fc
    .tuple(policySets({ objects }), changes, fc.constantFrom('near', 'far'))
    .map(([{ all }, { desired, reported, other }, distance]) => {
      const [policy = policyOf({})] = all;
      const baseline = baselineOf(policy);
      const start = distance === 'far' ? other : newTwin({ desired: baseline }, hour);
      const changed = desired === null ? start : patchTwin(start, { desired }, 2 * hour).twin;
      const answered = patchReported(changed, { ...baseline }, 3 * hour).twin;
      const ended = reported === null ? answered : patchReported(answered, reported, 4 * hour).twin;
      const document = { deviceId: 'device', moduleId: policy.module, ...renderTwin(ended) };
      const twin = toTwin(document, 'device', policy.module);
      if (twin === undefined) throw new Error('The local hub rendered something that is no twin.');
      return { policy, twin, document };
    });
}

function policyOf(definition: Partial<PolicyDefinition>): Policy {
  return only([{ name: 'test', module: 'm', createModule: true, ...definition }]);
}

function policyFor(appliesTo: PolicyDefinition['appliesTo']): Policy {
  return policyOf(appliesTo === undefined ? {} : { appliesTo });
}

function only(definitions: readonly PolicyDefinition[]): Policy {
  const [policy] = toPolicySet(definitions, { mode: 'enforce' }).all;
  if (policy === undefined) throw new Error('There is no policy.');
  return policy;
}

function holdsAny(conditions: readonly string[], document: JsonObject): boolean {
  return conditions.some((condition) => condition === '' || holds(parseCondition(condition), document));
}

function selects(query: string, document: JsonObject): boolean {
  const { where } = parseQuery(query);
  return where === undefined || holds(where, document);
}

/** A device's twin as queries see it. One that has never been anything else may lack the capability instead of denying it. */
function documentOf(
  { deviceId, tags, edge }: { deviceId: string; tags: JsonObject; edge: boolean },
  isNew: boolean,
): JsonObject {
  return { deviceId, tags, ...(isNew && !edge ? {} : { capabilities: { iotEdge: edge } }) };
}

function nest(path: readonly string[], value: Json): JsonObject {
  const [key = '', ...rest] = path;
  return { [key]: rest.length === 0 ? value : nest(rest, value) };
}
