import { describe, expect, it } from 'vitest';
import { newTwin, patchTwin } from '../../../infra/local/hub/twin.ts';
import { absent, between, byDefault, duration, exactly } from '../../../shared/policy/index.ts';
import { notReported } from '../../../shared/reconcile/not-reported.ts';
import type { Json, JsonObject, Twin } from '../../../shared/twin/index.ts';
import { readTwin } from '../../support/arbitraries.ts';
import { after, minute, policiesOf, twinOf, written } from './reporting-agent.ts';

describe('an agent that mirrors its properties', () => {
  const { all } = policiesOf({
    desired: { s: { a: { value: 1 }, b: { value: 'x' }, gone: absent() }, flat: byDefault(true) },
    reported: { mirrors: true, graceMinutes: 10 },
  });
  const desired = { s: { a: { value: 1 }, b: { value: 'x' } }, flat: false };
  const at = after(11);

  it('has a departure for each different value, with the write that the agent did not accept', () => {
    const found = notReported(all, twinOf(desired, { s: { a: { value: 2 } }, flat: true }), at);
    expect(found).toMatchObject([
      { path: 's.a.value', kind: 'notReported', expected: 1, actual: 2, mode: 'audit', policy: 'p0' },
      { path: 'flat', kind: 'notReported', expected: false, actual: true, mode: 'audit' },
    ]);
    for (const { write } of found) expect(write).toMatchObject({ version: 1, exact: true });
  });

  it('has no departure during the grace period, which begins with the write of that property', () => {
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

  it('has no departure before it reports a section', () => {
    expect(notReported(all, twinOf(desired, {}), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { other: 1 }), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { flat: true }), at).map(({ path }) => path)).toEqual(['flat']);
  });

  it('may use its own default when the twin has no value', () => {
    const reported = { s: { a: { value: 1 }, b: { value: 'x' }, gone: 'default' }, flat: true };
    expect(notReported(all, twinOf({ s: desired.s }, reported), at)).toEqual([]);
  });

  it('has no departure for a value that breaks the rule', () => {
    const reported = { s: { a: { value: 3 }, b: { value: 'x' } } };
    expect(notReported(all, twinOf({ s: { a: { value: 2 }, b: { value: 'x' } } }, reported), at)).toEqual([]);
  });

  it('has no departure for a property that it does not report', () => {
    expect(notReported(all, twinOf(desired, { s: { b: { value: 'x' }, own: 7 } }), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { s: {} }), at)).toEqual([]);
    expect(notReported(all, twinOf(desired, { s: 'nonsense' }), at)).toEqual([]);
    const objects = policiesOf({ desired: { o: exactly({ a: 1, b: { c: 2 } }) }, reported: { mirrors: true } }).all;
    const found = (o: Json) => notReported(objects, twinOf({ o: { a: 1, b: { c: 2 } } }, { o }), after(61));
    expect(found({ b: {}, more: true })).toEqual([]);
    expect(found({ b: { c: 3 } })).toMatchObject([{ path: 'o', actual: { b: { c: 3 } } }]);
    expect(found('x')).toMatchObject([{ path: 'o', actual: 'x' }]);
  });

  it('has no departure for a duration that it writes in another way', () => {
    const policies = policiesOf({ desired: { every: duration({ atMost: 'PT24H' }) }, reported: { mirrors: true } }).all;
    const found = (every: string, reported: Json) =>
      notReported(policies, twinOf({ every }, { every: reported }), after(61));
    expect(found('PT24H', 'P1D')).toEqual([]);
    expect(found('PT60M', 'PT1H')).toEqual([]);
    expect(found('PT1H', 'PT61M')).toMatchObject([{ expected: 'PT1H', actual: 'PT61M' }]);
    expect(found('PT1H', 3600)).toMatchObject([{ expected: 'PT1H', actual: 3600 }]);
  });

  it('has no departure when the time of the write is unknown', () => {
    const twin = twinOf(desired, { s: { a: { value: 2 }, b: { value: 'y' } } });
    const unknown = (at: string): Twin => ({
      ...twin,
      desired: { ...twin.desired, metadata: { $lastUpdated: at, $lastUpdatedVersion: 1 } },
    });
    expect(notReported(all, unknown('0001-01-01T00:00:00Z'), at)).toEqual([]);
    expect(notReported(all, { ...twin, desired: { ...twin.desired, metadata: {} } }, at)).toEqual([]);
    expect(notReported(all, unknown('2026-01-01T00:00:00Z'), at)).toHaveLength(2);
  });
});

describe('an agent that reports a refused configuration', () => {
  const { all } = policiesOf({
    desired: { A: 1, B: between(0, 9, { otherwise: 0 }), s: { c: true }, gone: absent() },
    reported: { failure: { path: 'state', value: 'failed', fields: 'fields' }, graceMinutes: 10 },
  });
  const desired = { A: 1, B: 5, s: { c: true, foreign: 'f' } };
  const at = after(11);
  const found = (reported: JsonObject, properties: JsonObject = desired) =>
    notReported(all, twinOf(properties, reported), at);

  it.each<[string, Json]>([
    ['a list', ['B', ' s.c', 'B', 7, '']],
    ['text with commas', 'B, s.c'],
    ['text with semicolons', 'B;s.c;'],
    ['text with spaces', ' B  s.c '],
    ['JSON in text', '["B", "s.c"]'],
    ['an object', { B: 'too large', 's.c': null }],
  ])('has a departure for each invalid field in %s', (_, fields) => {
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

  it('has one departure for all unknown fields, or when it names no field', () => {
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

  it('gives the same message for the same fields in another order', () => {
    const one = found({ state: 'failed', fields: ['x', 'y'] });
    expect(found({ state: 'failed', fields: ['y', 'x'] })).toEqual(one);
  });

  it('has no departure during the grace period, or with another state', () => {
    const twin = twinOf(desired, { state: 'failed' });
    expect(notReported(all, twin, after(10))).toEqual([]);
    for (const state of ['success', 'FAILED', ['failed'], { failed: true }, 0]) expect(found({ state })).toEqual([]);
    expect(found({})).toEqual([]);
  });

  it('has no departure for a value that breaks the rule', () => {
    const broken = { ...desired, B: 50 };
    expect(found({ state: 'failed', fields: ['B'] }, broken)).toEqual([]);
    expect(found({ state: 'failed' }, broken)).toEqual([]);
    expect(found({ state: 'failed', fields: ['A', 'B'] }, broken)).toMatchObject([{ path: 'A' }]);
  });

  it('has one departure for each property when values differ too', () => {
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
