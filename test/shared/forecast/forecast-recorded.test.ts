import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { between } from '../../../shared/policy/index.ts';
import { type ForecastWorld, newModule, startForecastWorld } from './forecast-world.ts';

let world: ForecastWorld;
beforeAll(async () => {
  world = await startForecastWorld();
});
afterAll(() => world.close());

describe('a forecast', () => {
  it('counts departures that are only recorded, by their reason', async () => {
    const { module, policy } = newModule({ desired: { a: 1 } });
    await world.addDevices(module, 2);
    await world.addModules(module, [1, 2], { a: 2 });
    const same = { module, appliesTo: policy.appliesTo ?? {} };
    const { policies, somethingToDo, calls } = await world.predict([
      { ...same, name: 'audits', mode: 'audit', createModule: true, desired: { a: 1 } },
      {
        ...same,
        name: 'fails',
        evaluate() {
          throw new Error('no idea');
        },
      },
      { ...same, name: 'wonders', evaluate: () => [{ path: 'a', message: 'odd' }] },
    ]);
    expect(policies).toMatchObject([
      { propertiesToChange: 0, compliant: 0, recorded: [{ path: 'a', kind: 'wrongValue', why: 'audit', count: 2 }] },
      { recorded: [{ path: '', why: 'policyError', count: 2, message: expect.stringContaining('no idea') }] },
      { recorded: [{ path: 'a', kind: 'custom', why: 'unmendable', count: 2, message: 'odd' }] },
    ]);
    expect(policies.map(({ walked }) => walked === undefined)).toEqual([true, false, false]);
    expect(somethingToDo).toBe(true);
    expect(calls).toMatchObject({ twinRead: 2, twinUpdate: 0 });
  });

  it('records an error for a device on which the scope function throws, and does not count the device in the scope', async () => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1 } });
    await world.addDevices(module, 3);
    await world.addModules(module, [1], { a: 2 });
    const { policies } = await world.predict([
      {
        ...policy,
        appliesTo({ deviceId }) {
          if (deviceId === `${module}-1` || deviceId === `${module}-2`) throw new Error('unknown');
          return deviceId.startsWith(`${module}-`);
        },
      },
    ]);
    expect(policies).toMatchObject([
      { devices: 1, compliant: 0, modulesToCreate: 1, recorded: [{ why: 'policyError', count: 2 }] },
    ]);
  });

  it('records settings that the agent does not report', async () => {
    const { module, policy } = newModule({
      desired: { a: 1 },
      reported: { failure: { path: 'state', value: 'failed' }, graceMinutes: 0 },
    });
    await world.addDevices(module, 1);
    await world.addModules(module, [1], { a: 1 });
    world.hub.registry.report({ deviceId: `${module}-1`, moduleId: module }, { state: 'failed' });
    const { policies } = await world.predict([policy]);
    expect(policies).toMatchObject([{ compliant: 0, propertiesToChange: 0, recorded: [{ why: 'notReported' }] }]);
  });

  it('records a property that an automatic configuration sets, and does not count it as a change', async () => {
    const { module, policy } = newModule({ desired: { a: 1, b: 1 } });
    await world.addDevices(module, 1);
    await world.addModules(module, [1], { a: 2, b: 2 });
    const id = `rival-${module}`;
    await world.hub.operator.addConfiguration({
      id,
      targetCondition: `FROM devices.modules WHERE moduleId = '${module}'`,
      priority: 1,
      content: { moduleContent: { 'properties.desired.a': 2 } },
    } as never);
    try {
      const { policies, competing } = await world.predict([policy]);
      expect(competing).toMatchObject([{ configuration: id, policy: policy.name, path: 'a', theirs: 2, wanted: 1 }]);
      expect(policies).toMatchObject([
        { changes: [{ path: 'b', count: 1 }], recorded: [{ path: 'a', why: 'competingConfiguration', count: 1 }] },
      ]);
      const overriding = await world.predict([{ ...policy, overrideConfigurations: true }]);
      expect(overriding.policies).toMatchObject([{ propertiesToChange: 2, recorded: [] }]);
    } finally {
      await world.hub.operator.removeConfiguration(id);
    }
  });

  it('counts twins that the blast radius holds back in the first hour', async () => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1, b: between(1, 2, { otherwise: 1 }) } });
    await world.addDevices(module, 10);
    await world.addModules(module, [1, 2, 3, 4, 5], { a: 2 });
    const held = await world.predict([policy], { type: 'share', share: 0.2 });
    // Adding the missing property `b` and creating modules do not count.
    expect(held.policies).toMatchObject([
      { propertiesToChange: 10, modulesToCreate: 5, blastRadius: { twins: 5, perHour: 2, heldBack: 3 } },
    ]);
    const other = { ...policy, name: 'other', createModule: false, desired: { c: 3 } };
    const both = await world.predict([policy, other], { type: 'count', count: 2 });
    expect(both.policies).toMatchObject([
      { blastRadius: { twins: 5, perHour: 2, heldBack: 3 } },
      { propertiesToChange: 5 },
    ]);
    const free = await world.predict([policy], { type: 'count', count: 5 });
    expect(free.policies).toMatchObject([{ blastRadius: { twins: 5, perHour: 5, heldBack: 0 } }]);
  });
});
