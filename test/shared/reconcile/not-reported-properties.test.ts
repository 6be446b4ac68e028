import { describe, expect, it } from 'vitest';
import { byDefault, contradicts } from '../../../shared/policy/index.ts';
import { mayEndNotReported, notReported } from '../../../shared/reconcile/not-reported.ts';
import { plan, toPatch } from '../../../shared/reconcile/plan.ts';
import {
  getAt,
  isJsonObject,
  type Json,
  type JsonObject,
  jsonEquals,
  mergePatch,
  type Twin,
} from '../../../shared/twin/index.ts';
import { anyJson, fc, hubTwins, jsonObject, policySets, readTwin } from '../../support/arbitraries.ts';
import { after, policiesOf, twinOf } from './reporting-agent.ts';

const reportings = fc.constantFrom(
  { mirrors: true, graceMinutes: 0 },
  { mirrors: true, failure: { path: ['state'], value: 'failed', fields: ['fields'] }, graceMinutes: 5 },
  { mirrors: false, failure: { path: ['__proto__', 'a'], value: true, fields: ['constructor'] }, graceMinutes: 0 },
);

/** Reported properties of any shape. Many of them are similar to the report of an agent. */
const reports: fc.Arbitrary<JsonObject> = fc.oneof(
  jsonObject,
  fc
    .tuple(jsonObject, fc.constantFrom('failed', 'success'), anyJson)
    .map(([content, state, fields]) => ({ ...content, state, fields: fields as Json })),
  anyJson.map((value) => (typeof value === 'object' && value !== null ? (value as JsonObject) : { a: value as Json })),
);

describe('a notReported departure', () => {
  const at = '2026-02-03T04:05:06.000Z';
  const cases = fc.tuple(policySets(), reportings, hubTwins, reports).map(([policies, reported, hubTwin, report]) => ({
    policies: policies.all.map((policy) => ({ ...policy, module: 'A', reported })),
    twin: { ...readTwin(hubTwin, 'd', 'A'), reported: { properties: report, metadata: {}, version: 1 } },
  }));
  const planFor = (policies: Parameters<typeof plan>[0], twin: Twin, at?: string) =>
    plan(policies, {
      device: { deviceId: 'd', tags: {}, edge: false },
      twins: [{ moduleId: 'A', twin }],
      ...(at === undefined ? {} : { at }),
    });

  it('changes neither the actions nor the other departures', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const [without, seen] = [planFor(policies, twin), planFor(policies, twin, at)];
        expect(seen.actions).toEqual(without.actions);
        expect(without.drifts.some(({ kind }) => kind === 'notReported')).toBe(false);
        expect(seen.drifts.filter(({ kind }) => kind !== 'notReported')).toEqual(without.drifts);
        const found = seen.drifts.filter(({ kind }) => kind === 'notReported');
        expect(found.every(({ mode }) => mode === 'audit')).toBe(true);
        // No patch repairs a departure of kind `notReported`, even in mode `enforce`.
        expect(toPatch(found.map((drift) => ({ ...drift, mode: 'enforce' as const }))).repairs).toEqual([]);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('is unique for each property of a policy', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const keys = notReported(policies, twin, at).map(({ policy, path }) => JSON.stringify([policy, path]));
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 300 },
    );
  });

  it('does not exist for an agent that reports the desired values', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const mirrors = { mirrors: true, graceMinutes: 0 };
        const mirroring = policies.map((policy) => ({ ...policy, reported: mirrors }));
        const sameTwin = { ...twin, reported: { ...twin.reported, properties: twin.desired.properties } };
        expect(notReported(mirroring, sameTwin, at)).toEqual([]);
      }),
    );
  });

  it('exists exactly for compliant values that differ, and that the agent reports', () => {
    let differences = 0;
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const mirroring = policies.map((policy) => ({ ...policy, reported: { mirrors: true, graceMinutes: 0 } }));
        const broken = new Set(planFor(mirroring, twin).drifts.map(({ policy, path }) => `${policy} ${path}`));
        const expected = mirroring.flatMap((policy) =>
          policy.owned
            .filter(({ text, path }) => {
              const wanted = getAt(twin.desired.properties, path);
              const reported = getAt(twin.reported.properties, path);
              return (
                wanted !== undefined &&
                reported !== undefined &&
                !broken.has(`${policy.name} ${text}`) &&
                (isJsonObject(wanted) && isJsonObject(reported)
                  ? contradicts(wanted, reported)
                  : !jsonEquals(wanted, reported))
              );
            })
            .map(({ text }) => text),
        );
        differences += expected.length;
        expect(notReported(mirroring, twin, at).map(({ path }) => path)).toEqual(expected);
      }),
      { numRuns: 400 },
    );
    expect(differences).toBeGreaterThan(0);
  });

  it('can be found in a report of any depth', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as JsonObject;
    const { all } = policiesOf({
      desired: { a: { a: byDefault(1) } },
      reported: { mirrors: true, failure: { path: 'b', value: 'failed', fields: 'a' } },
    });
    expect(notReported(all, twinOf({ a: { a: 1 } }, deep), at)).toMatchObject([{ path: 'a.a', actual: undefined }]);
    // IoT Hub rejects a twin that is nested so deeply. The function must process such a twin without an error anyway.
    expect(
      notReported(
        all,
        { ...twinOf({ a: { a: 1 } }, deep), desired: { ...twinOf({}, {}).desired, properties: deep } },
        at,
      ),
    ).toEqual([]);
    expect(notReported(all, twinOf({ a: { a: 1 } }, { ...deep, b: 'failed' }), at)).toMatchObject([
      { path: 'a.a' },
      { path: 'a', actual: undefined },
    ]);
  });
});

describe('a change of reported properties', () => {
  const set = policiesOf(
    { appliesTo: { deviceId: 'd*' }, desired: { s: { a: 1 } }, reported: { mirrors: true } },
    { desired: { own: 1 } },
    {
      appliesTo: { deviceId: 'd*' },
      reported: { failure: { path: 'agent.state', value: 'failed', fields: 'agent.fields' } },
    },
  );

  it.each<[string, JsonObject, boolean]>([
    ['about a mirrored property', { s: { a: 2 } }, true],
    ['that removes a mirrored property', { s: null }, true],
    ['beside a mirrored property', { s: { b: 2 } }, false],
    ['about the failure', { agent: { state: 'success' } }, true],
    ['about the invalid fields', { agent: { fields: null } }, true],
    ['beside the failure', { agent: { version: 2 } }, false],
    ['about a property that is owned but not mirrored', { own: 2 }, false],
    ['without a property', {}, false],
  ])('%s may end a notReported departure: %s %s', (_, reported, mayEnd) => {
    expect(mayEndNotReported(set, 'd1', 'm', reported)).toBe(mayEnd);
    expect(mayEndNotReported(set, 'd1', 'other', reported)).toBe(false);
  });

  it('never ends a departure of a device out of scope', () => {
    expect(mayEndNotReported(set, 'x', 'm', { s: { a: 2 }, agent: { state: 'failed' } })).toBe(false);
  });

  it('may end a departure whenever it does end one', () => {
    const values = fc.record(
      {
        s: fc.constantFrom<Json>({ a: 1 }, { a: 2 }, { a: null }, { b: 1 }, 'x', null),
        own: fc.constantFrom<Json>(1, 2, null),
        agent: fc.record(
          { state: fc.constantFrom('failed', 'ok', null), fields: fc.constantFrom('own', ['s.a'], 'what') },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<JsonObject>;
    let ended = 0;
    fc.assert(
      fc.property(values, values, (first, change) => {
        const before = mergePatch({}, first);
        const found = (reported: JsonObject) =>
          notReported(set.all, twinOf({ s: { a: 1 }, own: 1 }, reported), after(61)).map(
            ({ policy, path }) => `${policy} ${path}`,
          );
        const now = found(mergePatch(before, change));
        if (found(before).every((key) => now.includes(key))) return;
        ended++;
        expect(mayEndNotReported(set, 'd1', 'm', change)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(ended).toBeGreaterThan(10);
  });
});
