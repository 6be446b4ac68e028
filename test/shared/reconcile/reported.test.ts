import { describe, expect, it } from 'vitest';
import { newTwin, patchTwin } from '../../../infra/local/hub/twin.ts';
import { absent, between, byDefault, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { mayEndNotReported, notReported } from '../../../shared/reconcile/not-reported.ts';
import { plan, toPatch } from '../../../shared/reconcile/plan.ts';
import { getAt, type Json, type JsonObject, jsonEquals, mergePatch, type Twin } from '../../../shared/twin/index.ts';
import { anyJson, fc, hubTwins, jsonObject, policySets, readTwin } from '../../support/arbitraries.ts';

const minute = 60_000;
const written = Date.parse('2026-01-02T03:00:00Z');
const after = (minutes: number) => new Date(written + minutes * minute).toISOString();

const policiesOf = (...definitions: readonly Partial<PolicyDefinition>[]) =>
  toPolicySet(
    definitions.map((definition, index) => ({ name: `p${index}`, module: 'm', ...definition })),
    { mode: 'enforce' },
  );

/** A twin whose desired properties were all written at once, at version 1. */
const twinOf = (desired: JsonObject, reported: JsonObject): Twin => ({
  ...readTwin(newTwin({ desired }, written), 'd', 'm'),
  reported: { properties: reported, metadata: {}, version: 3 },
});

describe('an agent that mirrors its properties', () => {
  const { all } = policiesOf({
    desired: { s: { a: { value: 1 }, b: { value: 'x' }, gone: absent() }, flat: byDefault(true) },
    reported: { mirrors: true, graceMinutes: 10 },
  });
  const desired = { s: { a: { value: 1 }, b: { value: 'x' } }, flat: false };
  const at = after(11);

  it('and runs with another value has one finding for each, which names the write that it did not take', () => {
    const found = notReported(all, twinOf(desired, { s: { a: { value: 2 } }, flat: true }), at);
    expect(found).toMatchObject([
      { path: 's.a.value', kind: 'notReported', expected: 1, actual: 2, mode: 'audit', policy: 'p0' },
      { path: 's.b.value', kind: 'notReported', expected: 'x', actual: undefined, mode: 'audit' },
      { path: 'flat', kind: 'notReported', expected: false, actual: true, mode: 'audit' },
    ]);
    for (const { write } of found) expect(write).toMatchObject({ version: 1, exact: true });
  });

  it('has nothing found in the grace, which begins with the write of that property', () => {
    const reported = { s: { a: { value: 2 }, b: { value: 'y' } } };
    expect(notReported(all, twinOf(desired, reported), after(10))).toEqual([]);
    const rewritten = patchTwin(
      newTwin({ desired }, written),
      { desired: { s: { b: { value: 'x2' } } } },
      written + 8 * minute,
    );
    const twin = {
      ...readTwin(rewritten.twin, 'd', 'm'),
      reported: { properties: reported, metadata: {}, version: 1 },
    };
    const loose = policiesOf({
      desired: { s: { a: { value: 1 }, b: { value: byDefault('x') } } },
      reported: { mirrors: true, graceMinutes: 10 },
    }).all;
    expect(notReported(loose, twin, after(11)).map(({ path }) => path)).toEqual(['s.a.value']);
    expect(notReported(loose, twin, after(19))).toMatchObject([
      { path: 's.a.value', write: { version: 1 } },
      { path: 's.b.value', expected: 'x2', write: { version: 2 } },
    ]);
  });

  it('and has not reported a section yet has refused nothing', () => {
    expect(notReported(all, twinOf(desired, {}), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { other: 1 }), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { flat: true }), at).map(({ path }) => path)).toEqual(['flat']);
  });

  it('may use its own default where the twin says nothing', () => {
    const reported = { s: { a: { value: 1 }, b: { value: 'x' }, gone: 'default' }, flat: true };
    expect(notReported(all, twinOf({ s: desired.s }, reported), at)).toEqual([]);
  });

  it('is not blamed for a value that breaks the rule', () => {
    const reported = { s: { a: { value: 3 }, b: { value: 'x' } } };
    expect(notReported(all, twinOf({ s: { a: { value: 2 }, b: { value: 'x' } } }, reported), at)).toEqual([]);
  });

  it('and answers with something that is no section at all is told apart from one that does not answer', () => {
    const found = notReported(all, twinOf(desired, { s: 'nonsense' }), at);
    expect(found).toMatchObject([
      { path: 's.a.value', actual: undefined },
      { path: 's.b.value', actual: undefined },
    ]);
  });

  it('has nothing found where the time of the write is not known', () => {
    const twin = twinOf(desired, { s: {} });
    const unknown = (at: string): Twin => ({
      ...twin,
      desired: { ...twin.desired, metadata: { $lastUpdated: at, $lastUpdatedVersion: 1 } },
    });
    expect(notReported(all, unknown('0001-01-01T00:00:00Z'), at)).toEqual([]);
    expect(notReported(all, { ...twin, desired: { ...twin.desired, metadata: {} } }, at)).toEqual([]);
    expect(notReported(all, unknown('2026-01-01T00:00:00Z'), at)).toHaveLength(2);
  });
});

describe('an agent that says that it refused its configuration', () => {
  const { all } = policiesOf({
    desired: { A: 1, B: between(0, 9, { otherwise: 0 }), s: { c: true }, gone: absent() },
    reported: { failure: { path: 'state', value: 'failed', fields: 'fields' }, graceMinutes: 10 },
  });
  const desired = { A: 1, B: 5, s: { c: true, foreign: 'f' } };
  const at = after(11);
  const found = (reported: JsonObject, held: JsonObject = desired) => notReported(all, twinOf(held, reported), at);

  it.each<[string, Json]>([
    ['a list', ['B', ' s.c', 'B', 7, '']],
    ['text with commas', 'B, s.c'],
    ['text with semicolons', 'B;s.c;'],
    ['text with spaces', ' B  s.c '],
    ['JSON in text', '["B", "s.c"]'],
    ['an object', { B: 'too large', 's.c': null }],
  ])('has one finding for each field at fault when they come as %s', (_, fields) => {
    expect(found({ state: 'failed', fields })).toMatchObject([
      {
        path: 'B',
        kind: 'notReported',
        mode: 'audit',
        expected: 5,
        message: 'the agent reports state "failed"; invalid field: B',
        write: { version: 1 },
      },
      { path: 's.c', kind: 'notReported', mode: 'audit', expected: true },
    ]);
  });

  it('has one finding for all that it does not name, or names in words of its own', () => {
    expect(found({ state: 'failed' })).toMatchObject([
      { path: '', expected: undefined, actual: 'failed', message: 'the agent reports state "failed"' },
    ]);
    for (const fields of [5, true, [], {}, '']) expect(found({ state: 'failed', fields })).toHaveLength(1);
    expect(found({ state: 'failed', fields: ['no\u001b[31msuch', 's.foreign', 'A.B'] })).toMatchObject([
      { path: 's.foreign', expected: 'f' },
      { path: '', message: 'the agent reports state "failed"; invalid fields: A.B, no?[31msuch' },
    ]);
    const many = Array.from({ length: 100_000 }, (_, index) => `${'n'.repeat(500)}${index}`);
    const [only, ...others] = found({ state: 'failed', fields: many });
    expect(others).toEqual([]);
    expect(only?.message).toMatch(/and 190 more$/);
    expect(only?.message?.length).toBeLessThan(1300);
  });

  it('names the same field whatever the order it lists the others in', () => {
    const one = found({ state: 'failed', fields: ['x', 'y'] });
    expect(found({ state: 'failed', fields: ['y', 'x'] })).toEqual(one);
  });

  it('has nothing found in the grace after the last write, nor when it says anything else', () => {
    const twin = twinOf(desired, { state: 'failed' });
    expect(notReported(all, twin, after(10))).toEqual([]);
    for (const state of ['success', 'FAILED', ['failed'], { failed: true }, 0]) expect(found({ state })).toEqual([]);
    expect(found({})).toEqual([]);
  });

  it('is not blamed for a value that breaks the rule', () => {
    const broken = { ...desired, B: 50 };
    expect(found({ state: 'failed', fields: ['B'] }, broken)).toEqual([]);
    expect(found({ state: 'failed' }, broken)).toEqual([]);
    expect(found({ state: 'failed', fields: ['A', 'B'] }, broken)).toMatchObject([{ path: 'A' }]);
  });

  it('and differs besides is recorded once for each property', () => {
    const both = policiesOf({
      desired: { A: 1, B: 2 },
      reported: { mirrors: true, failure: { path: 'state', value: 'failed', fields: 'fields' } },
    }).all;
    const twin = twinOf({ A: 1, B: 2 }, { A: 3, B: 2, state: 'failed', fields: ['A', 'B'] });
    const paths = notReported(both, twin, after(61)).map(({ path, actual }) => [path, actual]);
    expect(paths).toEqual([
      ['A', 3],
      ['B', 2],
    ]);
  });
});

const reportings = fc.constantFrom(
  { mirrors: true, graceMinutes: 0 },
  { mirrors: true, failure: { path: ['state'], value: 'failed', fields: ['fields'] }, graceMinutes: 5 },
  { mirrors: false, failure: { path: ['__proto__', 'a'], value: true, fields: ['constructor'] }, graceMinutes: 0 },
);

/** Anything that could stand where an agent reports: often nearly right. */
const reports: fc.Arbitrary<JsonObject> = fc.oneof(
  jsonObject,
  fc
    .tuple(jsonObject, fc.constantFrom('failed', 'success'), anyJson)
    .map(([content, state, fields]) => ({ ...content, state, fields: fields as Json })),
  anyJson.map((value) => (typeof value === 'object' && value !== null ? (value as JsonObject) : { a: value as Json })),
);

describe('what agents did not take', () => {
  const at = '2026-02-03T04:05:06.000Z';
  const cases = fc.tuple(policySets(), reportings, hubTwins, reports).map(([policies, reported, hubTwin, report]) => ({
    policies: policies.all.map((policy) => ({ ...policy, module: 'A', reported })),
    twin: { ...readTwin(hubTwin, 'd', 'A'), reported: { properties: report, metadata: {}, version: 1 } },
  }));
  const look = (policies: Parameters<typeof plan>[0], twin: Twin, at?: string) =>
    plan(policies, {
      device: { deviceId: 'd', tags: {}, edge: false },
      twins: [{ moduleId: 'A', twin }],
      ...(at === undefined ? {} : { at }),
    });

  it('changes nothing that is done, and nothing else that is found', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const [without, seen] = [look(policies, twin), look(policies, twin, at)];
        expect(seen.actions).toEqual(without.actions);
        expect(without.drifts.some(({ kind }) => kind === 'notReported')).toBe(false);
        expect(seen.drifts.filter(({ kind }) => kind !== 'notReported')).toEqual(without.drifts);
        const found = seen.drifts.filter(({ kind }) => kind === 'notReported');
        expect(found.every(({ mode }) => mode === 'audit')).toBe(true);
        // Not even where somebody mistook it for something to enforce.
        expect(toPatch(found.map((drift) => ({ ...drift, mode: 'enforce' as const }))).mends).toEqual([]);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('is one row for each property of a policy', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const places = notReported(policies, twin, at).map(({ policy, path }) => JSON.stringify([policy, path]));
        expect(new Set(places).size).toBe(places.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing for an agent that reports what it is given', () => {
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const mirrors = { mirrors: true, graceMinutes: 0 };
        const its = policies.map((policy) => ({ ...policy, reported: mirrors }));
        const mirroring = { ...twin, reported: { ...twin.reported, properties: twin.desired.properties } };
        expect(notReported(its, mirroring, at)).toEqual([]);
      }),
    );
  });

  it('is just what differs of what keeps to the rules, once the agent has reported', () => {
    let differences = 0;
    fc.assert(
      fc.property(cases, ({ policies, twin }) => {
        const its = policies.map((policy) => ({ ...policy, reported: { mirrors: true, graceMinutes: 0 } }));
        const broken = new Set(look(its, twin).drifts.map(({ policy, path }) => `${policy} ${path}`));
        const expected = its.flatMap((policy) =>
          policy.owned
            .filter(({ text, path }) => {
              const wanted = getAt(twin.desired.properties, path);
              const began = Object.hasOwn(twin.reported.properties, path[0] ?? '');
              return (
                wanted !== undefined &&
                began &&
                !broken.has(`${policy.name} ${text}`) &&
                !jsonEquals(wanted, getAt(twin.reported.properties, path))
              );
            })
            .map(({ text }) => text),
        );
        differences += expected.length;
        expect(notReported(its, twin, at).map(({ path }) => path)).toEqual(expected);
      }),
      { numRuns: 400 },
    );
    expect(differences).toBeGreaterThan(0);
  });

  it('does not break on an answer of any depth', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as JsonObject;
    const { all } = policiesOf({
      desired: { a: { a: byDefault(1) } },
      reported: { mirrors: true, failure: { path: 'b', value: 'failed', fields: 'a' } },
    });
    expect(notReported(all, twinOf({ a: { a: 1 } }, deep), at)).toMatchObject([{ path: 'a.a', actual: undefined }]);
    // The hub would take neither; a twin that says so must not break the look at it.
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
    ['that takes a mirrored property away', { s: null }, true],
    ['beside it', { s: { b: 2 } }, false],
    ['about the failure', { agent: { state: 'success' } }, true],
    ['about the fields at fault', { agent: { fields: null } }, true],
    ['beside them', { agent: { version: 2 } }, false],
    ['about what is owned but not mirrored', { own: 2 }, false],
    ['of nothing', {}, false],
  ])('%s is an answer: %s %s', (_, reported, answer) => {
    expect(mayEndNotReported(set, 'd1', 'm', reported)).toBe(answer);
    expect(mayEndNotReported(set, 'd1', 'other', reported)).toBe(false);
  });

  it('of a device that the policy is not about is none', () => {
    expect(mayEndNotReported(set, 'x', 'm', { s: { a: 2 }, agent: { state: 'failed' } })).toBe(false);
  });

  it('is an answer wherever it ends what was found', () => {
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
        if (found(before).every((place) => now.includes(place))) return;
        ended++;
        expect(mayEndNotReported(set, 'd1', 'm', change)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(ended).toBeGreaterThan(10);
  });
});
