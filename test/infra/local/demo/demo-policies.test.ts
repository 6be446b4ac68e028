import { describe, expect, it } from 'vitest';
import { planDemo } from '../../../../infra/local/demo/demo-plan.ts';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import type { PolicyDefinition } from '../../../../shared/policy/index.ts';

const pump: PolicyDefinition = { name: 'pump', module: 'Pump', createModule: true, desired: { speed: 12 } };

describe('the policies of the demo', () => {
  it('leave out every policy whose drift the demo cannot predict', () => {
    const unpredictable: readonly PolicyDefinition[] = [
      { name: 'audited', module: 'Pump', mode: 'audit', desired: { colour: 'green' } },
      { name: 'device-twin', desired: { firmware: 2 } },
      { name: 'function', module: 'Pump', evaluate: () => [] },
    ];
    expect(demoPolicies([pump, ...unpredictable]).map(({ name }) => name)).toEqual(['pump']);
  });

  it('leave a module alone that no policy creates on the device', () => {
    const others: readonly PolicyDefinition[] = [
      { name: 'foreign', module: 'Foreign', desired: { a: 1 } },
      { name: 'edge', module: 'Edge', createModule: true, appliesTo: { edge: true }, desired: { a: 1 } },
      { name: 'edge-too', module: 'Edge', desired: { b: 1 } },
    ];
    const plan = planDemo(1, 40, demoPolicies([pump, ...others]));
    const steps = plan.flatMap(({ disturbances }) => disturbances.flatMap((disturbance) => disturbance.steps));
    const modules = new Set(steps.flatMap((step) => ('moduleId' in step ? step.moduleId : [])));
    expect([...modules]).toEqual(['Pump']);
  });

  it('may have scope functions that throw: the demo causes no drift from these policies', () => {
    const appliesTo = () => {
      throw new Error('no scope');
    };
    const failing: PolicyDefinition = {
      name: 'failing',
      module: 'Valve',
      createModule: true,
      desired: { a: 1 },
      appliesTo,
    };
    const plan = planDemo(1, 20, demoPolicies([pump, failing]));
    const departures = plan.flatMap(({ disturbances }) =>
      disturbances.flatMap((disturbance) => disturbance.departures),
    );
    expect([...new Set(departures.map(({ policy }) => policy))]).toEqual(['pump']);
  });
});
