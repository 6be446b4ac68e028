import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { type PolicyDefinition, PolicyFaultsError, type Reporting, toPolicySet } from '../../../shared/policy/index.ts';
import { fc } from '../../support/arbitraries.ts';

const builtIn = [azureiotsecurity, defenderMicroAgent];

const base = { name: 'p', module: 'm', desired: { a: 1 } };

/** The policy compiled, or what is wrong with it as `path: message`. */
function compile(parts: object) {
  try {
    const [policy] = toPolicySet([{ ...base, ...parts } as PolicyDefinition], { mode: 'enforce' }).all;
    return { policy, faults: [] };
  } catch (error) {
    if (!(error instanceof PolicyFaultsError)) throw error;
    return { faults: error.faults.map(({ path, message }) => `${path}: ${message}`) };
  }
}

describe('what an agent is expected to report', () => {
  it('is nothing unless a policy says so, and no hub configuration is overridden', () => {
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
  ])('%j is taken with its defaults', (reported, expected) => {
    expect(compile({ reported })).toEqual({ policy: expect.anything(), faults: [] });
    expect(compile({ reported }).policy?.reported).toStrictEqual(expected);
  });

  it.each<[string, unknown, string]>([
    ['no object', true, 'reported: '],
    ['nothing in it', {}, 'reported: expects nothing'],
    ['mirrors that are off', { mirrors: false }, 'reported: expects nothing'],
    ['a word that nobody knows', { mirror: true }, 'reported: Unrecognized key: "mirror"'],
    ['mirrors that are text', { mirrors: 'yes' }, 'reported.mirrors: '],
    ['a grace below zero', { mirrors: true, graceMinutes: -1 }, 'reported.graceMinutes: must be a number of minutes'],
    ['a grace in words', { mirrors: true, graceMinutes: 'PT1H' }, 'reported.graceMinutes: must be a number of minutes'],
    ['a grace for ever', { mirrors: true, graceMinutes: Number.POSITIVE_INFINITY }, 'reported.graceMinutes: '],
    ['a failure without a path', { failure: { value: 1 } }, 'reported.failure.path: '],
    ['a failure without a value', { failure: { path: 'a' } }, 'reported.failure.value: '],
    ['a failure that is null', { failure: { path: 'a', value: null } }, 'reported.failure.value: null cannot'],
    ['a failure nowhere', { failure: { path: '', value: 1 } }, 'reported.failure.path: must be a dotted path'],
    ['a path with a space', { failure: { path: 'a b', value: 1 } }, 'reported.failure.path: must be a dotted path'],
    [
      'a path into the metadata',
      { failure: { path: '$metadata.a', value: 1 } },
      'reported.failure.path: must be a dotted path',
    ],
    ['a path too deep', { failure: { path: 'a.b.c.d.e.f.g.h.i.j.k.l', value: 1 } }, 'reported.failure.path: at '],
    ['a key too long', { failure: { path: 'k'.repeat(1025), value: 1 } }, 'reported.failure.path: a key of 1025'],
    ['fields with two dots', { failure: { path: 'a', value: 1, fields: 'b..c' } }, 'reported.failure.fields: must be'],
    [
      'fields in the place of the failure',
      { failure: { path: 'a', value: 1, fields: 'a.b' } },
      'reported.failure.fields: must be another property than a',
    ],
  ])('with %s is refused with its path', (_, reported, fault) => {
    expect(compile({ reported }).faults).toEqual([expect.stringContaining(fault)]);
  });

  it('cannot mirror what the policy does not own, but a failure may be all that a policy is about', () => {
    const nothing = { desired: undefined };
    expect(compile({ ...nothing, reported: { mirrors: true } }).faults).toEqual([
      expect.stringContaining('reported.mirrors: needs desired properties'),
    ]);
    expect(compile({ ...nothing, reported: { failure: { path: 'a', value: 1 } } }).faults).toEqual([]);
    // What is wrong is desired then, and nothing else.
    expect(compile({ desired: { a: null }, reported: { mirrors: true } }).faults).toHaveLength(1);
  });

  it('of any JSON is refused or taken, and overriding is true or false', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (reported, overrideConfigurations) => {
        const { policy, faults } = compile({ reported, overrideConfigurations });
        expect(policy === undefined).toBe(faults.length > 0);
        if (policy !== undefined) expect(typeof policy.overrideConfigurations).toBe('boolean');
      }),
    );
  });

  it('of the built-in policies is what the agents document', () => {
    const [security, micro] = toPolicySet(builtIn, { mode: 'enforce' }).all;
    expect(security?.reported).toEqual({ mirrors: true, graceMinutes: 60 });
    expect(micro?.reported).toEqual({
      mirrors: false,
      failure: { path: ['latest_state'], value: 'failed', fields: ['latest_invalid_fields'] },
      graceMinutes: 60,
    });
  });
});
