import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { exactly, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { parseQuery } from '../../../shared/query/index.ts';
import { countsAlike, fingerprintOf, type SweepStep, sweepSteps } from '../../../shared/sweep/steps.ts';

const builtIn = [azureiotsecurity, defenderMicroAgent];

const agent: PolicyDefinition = { name: 'agent', module: 'Agent', createModule: true, desired: { a: 1 } };
const custom: PolicyDefinition = { name: 'custom', module: 'Agent', evaluate: () => [] };
const device: PolicyDefinition = { name: 'device', desired: { b: true } };

const stepsOf = (...definitions: PolicyDefinition[]) => sweepSteps(toPolicySet(definitions, { mode: 'enforce' }));
const outline = (steps: readonly SweepStep[]) =>
  steps.map((step) => ('policy' in step ? `${step.type} ${step.policy.name}` : step.type));
const fingerprint = (...definitions: PolicyDefinition[]) => fingerprintOf(stepsOf(...definitions));

describe('the steps of a sweep', () => {
  it('are first what competes, then what is broken, then what is missing, and last what is open still', () => {
    expect(outline(stepsOf(agent, custom, device))).toEqual([
      'configurations',
      'suspects agent',
      'walk custom',
      'suspects device',
      'missing agent',
      'missing custom',
      'missing device',
      'open',
    ]);
  });

  it('without policies are none but to look at configurations', () => {
    expect(outline(stepsOf())).toEqual(['configurations']);
  });

  it('are a walk, and no query beside it, where a query cannot say all', () => {
    const steps = stepsOf({ ...agent, desired: { a: 1, b: exactly([1, 2]) } });
    expect(outline(steps)).toEqual(['configurations', 'walk agent', 'missing agent', 'open']);
    expect(steps[1]).toMatchObject({ why: expect.stringContaining('desired.b') });
  });

  it('ask what the hub can read', () => {
    const steps = stepsOf(...builtIn, device);
    const queries = steps.flatMap((step) => (step.type === 'suspects' ? [parseQuery(step.query)] : []));
    expect(queries.map(({ source }) => source)).toEqual(expect.arrayContaining(['devices', 'devices.modules']));
    // What a compliant hub costs follows from these: a call each, and two or three counts in all.
    expect(steps.filter(({ type }) => type === 'walk')).toEqual([]);
    expect(queries.length).toBeLessThanOrEqual(5);
  });
});

describe('the fingerprint of steps', () => {
  it('is the same for the same policies, whoever compiles them', () => {
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
  ])('is another for %s', (_, definitions) => {
    expect(fingerprint(...definitions)).not.toBe(fingerprint(agent, custom));
  });
});

describe('whether counting can settle it', () => {
  it.each<[string, PolicyDefinition['appliesTo'], boolean]>([
    ['all devices', undefined, true],
    ['a certain device', { deviceId: 'one' }, true],
    ['ids with a beginning', { deviceId: 'plant-*' }, true],
    ['ids with a beginning and an end that can overlap', { deviceId: 'aba*ab' }, false],
    ['ids with three pieces in their order', { deviceId: 'a*b*c' }, false],
    ['tags', { tags: { plant: { floor: 1 } } }, false],
    ['edge devices', { edge: true }, false],
    ['tags with a list', { tags: { floors: [1, 2] } }, false],
    ['a function', () => true, false],
  ])('of a scope of %s', (_, appliesTo, isAlike) => {
    const { all } = toPolicySet([{ ...agent, ...(appliesTo === undefined ? {} : { appliesTo }) }], { mode: 'enforce' });
    expect(all.map(countsAlike)).toEqual([isAlike]);
  });
});
