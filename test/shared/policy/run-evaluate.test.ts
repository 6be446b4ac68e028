import { describe, expect, it } from 'vitest';
import { type Finding, type PolicyDefinition, runEvaluate, toPolicySet } from '../../../shared/policy/index.ts';
import { plan } from '../../../shared/reconcile/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';
import { fc } from '../../support/arbitraries.ts';

const deviceId = 'd';

function twinWith(desired: object = {}) {
  const twin = toTwin({ etag: 'e', version: 1, properties: { desired } }, deviceId, 'm');
  if (twin === undefined) throw new Error('no twin');
  return twin;
}

function policiesOf(evaluate: unknown, more: Partial<PolicyDefinition> = {}) {
  const definition = { name: 'custom', module: 'm', evaluate, ...more } as PolicyDefinition;
  return toPolicySet([definition, { name: 'plain', module: 'm', desired: { plain: 1 } }], { mode: 'enforce' }).all;
}

function run(evaluate: unknown, desired?: object) {
  const [policy] = policiesOf(evaluate);
  if (policy === undefined) throw new Error('no policy');
  return runEvaluate(policy, twinWith(desired));
}

/** What comes of the whole twin: one policy errs, the other must go on. */
function planWith(evaluate: unknown, desired?: object, more?: Partial<PolicyDefinition>) {
  const device = { deviceId, tags: {}, edge: false };
  return plan(policiesOf(evaluate, more), { device, twins: [{ moduleId: 'm', twin: twinWith(desired) }] });
}

describe('a custom evaluate', () => {
  it('is given the twin and whose it is, and its findings are taken', () => {
    const seen: unknown[] = [];
    const evaluation = run(
      (twin: unknown, context: unknown) => {
        seen.push(twin, context);
        return [{ path: 'a', expected: 2, message: 'should be two' }];
      },
      { a: 1 },
    );
    expect(seen).toMatchObject([
      { deviceId, moduleId: 'm', desired: { properties: { a: 1 } } },
      { deviceId, moduleId: 'm' },
    ]);
    expect(evaluation).toEqual({ findings: [{ path: 'a', expected: 2, message: 'should be two' }] });
  });

  const unprintable = Object.create(null) as object;
  const nasty = new Proxy(
    {},
    {
      get() {
        throw new Error('do not touch');
      },
    },
  );

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new RangeError('too much');
      },
      'evaluate threw RangeError: too much',
    ],
    [
      'throws text',
      () => {
        throw 'text';
      },
      'evaluate threw text',
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
      'evaluate threw undefined',
    ],
    [
      'throws what cannot be shown',
      () => {
        throw unprintable;
      },
      'evaluate threw something that cannot be shown',
    ],
    [
      'throws what throws when it is touched',
      () => {
        throw nasty;
      },
      'evaluate threw something that cannot be shown',
    ],
    [
      'calls itself for ever',
      function again(): unknown {
        return again();
      },
      'evaluate threw RangeError',
    ],
    ['is async', async () => [], 'evaluate returned a Promise; it must be synchronous'],
    ['is async and fails', async () => Promise.reject(new Error('later')), 'evaluate returned a Promise'],
    ['returns nothing', () => undefined, 'evaluate returned undefined, not a list'],
    ['returns an object', () => ({ path: 'a' }), 'evaluate returned object, not a list'],
    ['returns text', () => 'a', 'evaluate returned string, not a list'],
    [
      'finds too much',
      () => Array.from({ length: 101 }, (_, n) => ({ path: `p${n}` })),
      'evaluate returned 101 findings; 100 is the limit',
    ],
    ['finds nothing in particular', () => [undefined], 'finding 0 of evaluate: not an object'],
    ['finds null', () => [{ path: 'a' }, null], 'finding 1 of evaluate: not an object'],
    ['names no path', () => [{ expected: 1 }], 'finding 0 of evaluate: path must be'],
    ['names a path that is a list', () => [{ path: ['a'] }], 'finding 0 of evaluate: path must be'],
    [
      'would mend the whole twin',
      () => [{ path: '', expected: 1 }],
      'finding 0 of evaluate: a finding about the whole twin',
    ],
    [
      'would mend with what no twin takes',
      () => [{ path: 'a', expected: { b: 2 ** 60 } }],
      'finding 0 of evaluate: at a.b: ',
    ],
    [
      'would mend with null inside',
      () => [{ path: 'a', expected: { b: null } }],
      'finding 0 of evaluate: at a.b: null',
    ],
    [
      'would mend at a path that cannot be',
      () => [{ path: 'a..b', expected: 1 }],
      'finding 0 of evaluate: at a.: an empty key',
    ],
    ['says a number', () => [{ path: 'a', message: 5 }], 'finding 0 of evaluate: message must be text'],
    [
      'finds itself',
      () => {
        const own: unknown[] = [];
        own.push({ path: 'a', expected: own });
        return own;
      },
      'evaluate threw TypeError',
    ],
  ])('that %s makes a policyError of its policy and holds up no other', (_, evaluate, fault) => {
    expect(run(evaluate)).toEqual({ fault: expect.stringContaining(fault) });
    const { drifts, actions } = planWith(evaluate);
    expect(drifts.map(({ policy, kind }) => [policy, kind])).toEqual([
      ['plain', 'missingProperty'],
      ['custom', 'policyError'],
    ]);
    expect(actions).toMatchObject([{ patch: { plain: 1 } }]);
  });

  it('that does not come to an end is ended', () => {
    const evaluate = () => {
      for (;;);
    };
    expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
  });

  it('that tries to catch its own end is ended as well', () => {
    const evaluate = () => {
      try {
        for (;;);
      } catch {
        return [];
      }
    };
    expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
  });

  it('can change nothing of what it is given', () => {
    const evaluate = (twin: { desired: { properties: { a: { b: number } } } }) => {
      twin.desired.properties.a.b = 7;
      return [];
    };
    expect(run(evaluate, { a: { b: 1 } })).toEqual({ fault: expect.stringContaining('TypeError') });
  });

  it('says no more than a history row can hold', () => {
    const evaluation = run(() => [{ path: 'a', message: 'm'.repeat(200_000) }]);
    expect('findings' in evaluation && evaluation.findings[0]?.message?.length).toBeLessThan(5000);
    expect(run(() => [{ path: 'p'.repeat(200_000) }])).toEqual({ fault: expect.stringContaining('path') });
    const evaluate = () => {
      throw new Error('e'.repeat(200_000));
    };
    expect(JSON.stringify(run(evaluate)).length).toBeLessThan(1000);
  });

  it('that returns anything at all is put up with', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.array(fc.anything()),
          fc.array(fc.record({ path: fc.anything(), expected: fc.anything() })),
        ),
        (result) => {
          const evaluation = run(() => result);
          expect('fault' in evaluation || Array.isArray(evaluation.findings)).toBe(true);
          planWith(() => result);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('findings', () => {
  const find =
    (...findings: readonly Finding[]) =>
    () =>
      findings;

  it('that name a value are mended, to remove as well as to set', () => {
    const { drifts, actions } = planWith(find({ path: 'a', expected: 2 }, { path: 's.b', expected: null }), {
      plain: 1,
      a: 1,
      s: { b: 1, c: 1 },
    });
    expect(drifts.map(({ kind, path, mode }) => [kind, path, mode])).toEqual([
      ['custom', 'a', 'enforce'],
      ['custom', 's.b', 'enforce'],
    ]);
    expect(actions).toMatchObject([{ patch: { a: 2, s: { b: null } } }]);
  });

  it.each<[string, Finding]>([
    ['name no value', { path: 'a', message: 'odd' }],
    ['are about the whole twin', { path: '' }],
    ['want what is there already', { path: 'a', expected: 1 }],
    ['want gone what is not there', { path: 'b', expected: null }],
  ])('that %s are only recorded', (_, finding) => {
    const { drifts, actions } = planWith(find(finding), { plain: 1, a: 1 });
    expect(drifts).toMatchObject([{ kind: 'custom', path: finding.path, mode: 'audit' }]);
    expect(actions).toEqual([]);
  });

  it('that would change what a rule owns make a policyError', () => {
    for (const path of ['plain', 'plain.deep']) {
      const { drifts, actions } = planWith(find({ path, expected: 2 }), { plain: 1 });
      expect(drifts).toMatchObject([
        { kind: 'policyError', message: `evaluate wants to change ${path}, which plain owns` },
      ]);
      expect(actions).toEqual([]);
    }
  });

  it('that would change one thing twice make a policyError', () => {
    const { drifts } = planWith(find({ path: 's', expected: { b: 1 } }, { path: 's.b', expected: 2 }), { plain: 1 });
    expect(drifts).toMatchObject([{ kind: 'policyError' }]);
  });

  it('once mended are found no more', () => {
    const evaluate = (twin: { desired: { properties: { a?: number } } }) =>
      (twin.desired.properties.a ?? 0) % 2 === 0 ? [] : [{ path: 'a', expected: 2 }];
    expect(planWith(evaluate, { plain: 1, a: 1 }).actions).toMatchObject([{ patch: { a: 2 } }]);
    expect(planWith(evaluate, { plain: 1, a: 2 })).toEqual({ drifts: [], actions: [] });
  });
});

describe('a scope function', () => {
  it('that throws makes a policyError of its policy and holds up no other', () => {
    const appliesTo = () => {
      throw Object.create(null);
    };
    const { drifts, actions } = planWith(() => [], {}, { appliesTo });
    expect(drifts).toMatchObject([
      { policy: 'custom', kind: 'policyError', message: 'appliesTo threw something that cannot be shown' },
      { policy: 'plain', kind: 'missingProperty' },
    ]);
    expect(actions).toHaveLength(1);
  });
});
