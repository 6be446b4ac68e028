import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { type PolicyDefinition, PolicyFaultsError, type Reporting, toPolicySet } from '../../../shared/policy/index.ts';
import { fc } from '../../support/arbitraries.ts';

const validPolicy = { name: 'p', module: 'm', desired: { a: 1 } };

/** Validates `validPolicy` with the given fields added. Returns the policy, or the list of faults, each as `path: message`. */
function compile(fields: object) {
  try {
    const [policy] = toPolicySet([{ ...validPolicy, ...fields } as PolicyDefinition], { mode: 'enforce' }).all;
    return { policy, faults: [] };
  } catch (error) {
    if (!(error instanceof PolicyFaultsError)) throw error;
    return { faults: error.faults.map(({ path, message }) => `${path}: ${message}`) };
  }
}

describe('the expected report of a policy', () => {
  it('is undefined by default, and hub configurations are not overridden by default', () => {
    expect(compile({}).policy).toMatchObject({ reported: undefined, overrideConfigurations: false });
    expect(compile({ overrideConfigurations: true }).policy).toMatchObject({ overrideConfigurations: true });
  });

  it.each<[Reporting, object]>([
    [{ mirrors: true }, { mirrors: true, graceMinutes: 60 }],
    [
      { mirrors: true, graceMinutes: 0 },
      { mirrors: true, graceMinutes: 0 },
    ],
    [
      { failure: { path: 'agent.state', value: 'failed' }, graceMinutes: 5 },
      { mirrors: false, failure: { path: ['agent', 'state'], value: 'failed' }, graceMinutes: 5 },
    ],
    [
      { failure: { path: 'ok', value: false, fields: 'agent.fields' } },
      { mirrors: false, failure: { path: ['ok'], value: false, fields: ['agent', 'fields'] }, graceMinutes: 60 },
    ],
  ])('%j gets its defaults', (reported, expected) => {
    expect(compile({ reported })).toEqual({ policy: expect.anything(), faults: [] });
    expect(compile({ reported }).policy?.reported).toStrictEqual(expected);
  });

  it.each<[string, unknown, string]>([
    ['a boolean', true, 'reported: '],
    ['no fields', {}, 'reported: expects nothing'],
    ['mirrors false', { mirrors: false }, 'reported: expects nothing'],
    ['an unknown field', { mirror: true }, 'reported: Unrecognized key: "mirror"'],
    ['a string as mirrors', { mirrors: 'yes' }, 'reported.mirrors: '],
    [
      'a negative graceMinutes',
      { mirrors: true, graceMinutes: -1 },
      'reported.graceMinutes: must be a number of minutes',
    ],
    [
      'a string as graceMinutes',
      { mirrors: true, graceMinutes: 'PT1H' },
      'reported.graceMinutes: must be a number of minutes',
    ],
    ['an infinite graceMinutes', { mirrors: true, graceMinutes: Number.POSITIVE_INFINITY }, 'reported.graceMinutes: '],
    ['a failure without a path', { failure: { value: 1 } }, 'reported.failure.path: '],
    ['a failure without a value', { failure: { path: 'a' } }, 'reported.failure.value: '],
    [
      'null as the value of a failure',
      { failure: { path: 'a', value: null } },
      'reported.failure.value: a twin cannot hold null',
    ],
    ['an empty path', { failure: { path: '', value: 1 } }, 'reported.failure.path: must be a dotted path'],
    ['a path with a space', { failure: { path: 'a b', value: 1 } }, 'reported.failure.path: must be a dotted path'],
    [
      'a path into the metadata',
      { failure: { path: '$metadata.a', value: 1 } },
      'reported.failure.path: must be a dotted path',
    ],
    [
      'a path that is too deep',
      { failure: { path: 'a.b.c.d.e.f.g.h.i.j.k.l', value: 1 } },
      'reported.failure.path: at ',
    ],
    [
      'a key that is too long',
      { failure: { path: 'k'.repeat(1025), value: 1 } },
      'reported.failure.path: the key has 1025 bytes',
    ],
    [
      'two dots in the path of fields',
      { failure: { path: 'a', value: 1, fields: 'b..c' } },
      'reported.failure.fields: must be',
    ],
    [
      'fields below the path of the failure',
      { failure: { path: 'a', value: 1, fields: 'a.b' } },
      'reported.failure.fields: must be a different property from failure.path, which is a.',
    ],
  ])('with %s is refused with the path of the fault', (_, reported, fault) => {
    expect(compile({ reported }).faults).toEqual([expect.stringContaining(fault)]);
  });

  it('needs desired properties for mirrors, and none for a failure', () => {
    const withoutDesired = { desired: undefined };
    expect(compile({ ...withoutDesired, reported: { mirrors: true } }).faults).toEqual([
      expect.stringContaining('reported.mirrors: needs desired properties'),
    ]);
    expect(compile({ ...withoutDesired, reported: { failure: { path: 'a', value: 1 } } }).faults).toEqual([]);
    // Only the fault in `desired` is reported, and no second fault because of `mirrors`.
    expect(compile({ desired: { a: null }, reported: { mirrors: true } }).faults).toHaveLength(1);
  });

  it('is accepted or refused with a PolicyFaultsError, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (reported, overrideConfigurations) => {
        const { policy, faults } = compile({ reported, overrideConfigurations });
        expect(policy === undefined).toBe(faults.length > 0);
        if (policy !== undefined) expect(typeof policy.overrideConfigurations).toBe('boolean');
      }),
    );
  });

  it('of the built-in policies is as the agents document', () => {
    const [security, micro] = toPolicySet([azureiotsecurity, defenderMicroAgent], { mode: 'enforce' }).all;
    expect(security?.reported).toEqual({ mirrors: true, graceMinutes: 60 });
    expect(micro?.reported).toEqual({
      mirrors: false,
      failure: { path: ['latest_state'], value: 'failed', fields: ['latest_invalid_fields'] },
      graceMinutes: 60,
    });
  });
});
