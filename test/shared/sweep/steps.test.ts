import { describe, expect, it } from 'vitest';
import { absent, exactly, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { parseQuery } from '../../../shared/query/index.ts';
import { usesFunctions } from '../../../shared/sweep/query-functions.ts';
import { countsAreComparable, fingerprintOf, type SweepStep, sweepSteps } from '../../../shared/sweep/steps.ts';
import { builtIn } from '../../support/built-in-policies.ts';

const agent: PolicyDefinition = { name: 'agent', module: 'Agent', createModule: true, desired: { a: 1 } };
const custom: PolicyDefinition = { name: 'custom', module: 'Agent', evaluate: () => [] };
const device: PolicyDefinition = { name: 'device', desired: { b: true } };

const stepsOf = (...definitions: PolicyDefinition[]) => sweepSteps(toPolicySet(definitions, { mode: 'enforce' }));
const outline = (steps: readonly SweepStep[]) =>
  steps.map((step) => ('policy' in step ? `${step.type} ${step.policy.name}` : step.type));
const fingerprint = (...definitions: PolicyDefinition[]) => fingerprintOf(stepsOf(...definitions));

describe('the steps of a sweep', () => {
  it('are in order: configurations, module ids, broken policies with the looks at their twins, missing modules, open drift', () => {
    expect(outline(stepsOf(agent, custom, device))).toEqual([
      'configurations',
      'modules',
      'suspects agent',
      'look agent',
      'walk custom',
      'suspects device',
      'look device',
      'missing agent',
      'missing custom',
      'missing device',
      'open',
    ]);
  });

  it('without policies only read the configurations and the list of open rows', () => {
    expect(outline(stepsOf())).toEqual(['configurations', 'open']);
  });

  it('walk a policy and send no query for it where queries cannot express all of its rules', () => {
    const steps = stepsOf({ ...agent, desired: { a: 1, b: exactly([1, 2]) } });
    expect(outline(steps)).toEqual(['configurations', 'modules', 'walk agent', 'missing agent', 'open']);
    expect(steps[2]).toMatchObject({ reason: expect.stringContaining('desired.b') });
  });

  it('on a hub that refuses functions have queries of documented words, and a walk for what these cannot express', () => {
    const { all } = toPolicySet([agent, { ...device, desired: { b: absent() } }], { mode: 'enforce' });
    const steps = sweepSteps({ ...toPolicySet([], { mode: 'enforce' }), all }, 'documented');
    expect(outline(steps)).toEqual([
      'configurations',
      'modules',
      'suspects agent',
      'walk agent',
      'suspects device',
      'look device',
      'missing agent',
      'missing device',
      'open',
    ]);
    const queries = steps.flatMap((step) => (step.type === 'suspects' ? [step.query] : []));
    expect(queries.map(usesFunctions)).toEqual([false, false]);
  });

  it('have valid queries, few of them for the built-in policies', () => {
    const steps = stepsOf(...builtIn, device);
    const queries = steps.flatMap((step) => (step.type === 'suspects' ? [parseQuery(step.query)] : []));
    expect(queries.map(({ source }) => source)).toEqual(expect.arrayContaining(['devices', 'devices.modules']));
    // On a compliant hub, each query for twins that break a policy costs one call. All counts together cost two or three more calls.
    expect(steps.filter(({ type }) => type === 'walk')).toEqual([]);
    expect(queries.length).toBeLessThanOrEqual(5);
  });
});

describe('the fingerprint of steps', () => {
  it('is the same each time that the same policies are compiled', () => {
    expect(fingerprint(agent, custom)).toBe(fingerprint({ ...agent }, { ...custom, evaluate: () => [] }));
    expect(fingerprint(agent)).toMatch(/^[\w-]{16}$/);
  });

  it.each<[string, readonly PolicyDefinition[]]>([
    ['another value', [{ ...agent, desired: { a: 2 } }, custom]],
    ['another path', [{ ...agent, desired: { c: 1 } }, custom]],
    ['another module', [{ ...agent, module: 'Other' }, custom]],
    ['another scope', [{ ...agent, appliesTo: { deviceId: 'plant-*' } }, custom]],
    ['another scope by tags', [{ ...agent, appliesTo: { tags: { plant: 1 } } }, custom]],
    ['another name', [{ ...agent, name: 'agents' }, custom]],
    ['another order', [custom, agent]],
    ['one more policy', [agent, custom, device]],
    ['one policy less', [agent]],
    ['a rule instead of a function', [agent, { name: 'custom', module: 'Agent', desired: { z: 1 } }]],
  ])('changes with %s', (_, definitions) => {
    expect(fingerprint(...definitions)).not.toBe(fingerprint(agent, custom));
  });
});

describe('the counts of devices and modules', () => {
  it.each<[string, PolicyDefinition['appliesTo'], boolean]>([
    ['all devices', undefined, true],
    ['one device id', { deviceId: 'one' }, true],
    ['an id prefix', { deviceId: 'plant-*' }, true],
    ['an id prefix and suffix that can overlap', { deviceId: 'aba*ab' }, false],
    ['three id pieces in order', { deviceId: 'a*b*c' }, false],
    ['tags', { tags: { plant: { floor: 1 } } }, false],
    ['edge devices', { edge: true }, false],
    ['tags with a list', { tags: { floors: [1, 2] } }, false],
    ['a function', () => true, false],
  ])('are comparable, or not, for a scope of %s', (_, appliesTo, isComparable) => {
    const { all } = toPolicySet([{ ...agent, ...(appliesTo === undefined ? {} : { appliesTo }) }], { mode: 'enforce' });
    expect(all.map((policy) => countsAreComparable(policy))).toEqual([isComparable]);
  });
});
