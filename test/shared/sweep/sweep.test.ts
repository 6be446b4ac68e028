import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { absent, baselineOf, definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { builtIn } from '../../support/built-in-policies.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const sum = (calls: Readonly<Record<string, number>>) =>
  Object.values(calls).reduce((total, count) => total + count, 0);

describe('a sweep of a compliant hub', () => {
  it('makes at most ten hub calls under the built-in policies, and queues nothing', async () => {
    const all = toPolicySet(builtIn, { mode: 'enforce' }).all;
    const baselines = Object.fromEntries(all.map((policy) => [policy.module, baselineOf(policy)]));
    for (let count = 0; count < 40; count++) world.add(newDeviceId('compliant'), baselines);
    const instance = world.newInstance(builtIn);
    const calls = await world.callsDuring(() => instance.run());
    expect(sum(calls)).toBeLessThanOrEqual(10);
    expect(instance.messages).toEqual([]);
    const [row] = await instance.store.list(1);
    expect(row).toMatchObject({
      state: 'done',
      trigger: 'timer',
      resumed: 0,
      examined: 0,
      found: 0,
      changed: 0,
      hubCalls: sum(calls),
      deferred: 0,
      parts: 0,
      partsDone: 0,
      competing: [],
      walked: [],
    });
    expect(Date.parse(row?.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(row?.startedAt ?? ''));
    expect([...instance.deviceCounts.values()]).toEqual([40, 40]);
    expect(instance.fleetCounts).toEqual([40]);
  });

  it('makes at most ten hub calls on a hub without devices', async () => {
    const calls = await world.callsDuring(() => world.newInstance(builtIn).run());
    expect(sum(calls)).toBeLessThanOrEqual(10);
  });
});

describe('a departure without an event', () => {
  it.each<[string, JsonObject, readonly (readonly [string, string])[]]>([
    ['a missing property', { timeout: null }, [['missingProperty', 'timeout']]],
    ['a missing default', { label: null }, [['missingProperty', 'label']]],
    ['a wrong value', { mode: 'Off' }, [['wrongValue', 'mode']]],
    ['a value of another type', { timeout: '90' }, [['wrongValue', 'timeout']]],
    ['a value below its range', { timeout: 59 }, [['wrongValue', 'timeout']]],
    ['a value above its range', { timeout: 121 }, [['wrongValue', 'timeout']]],
    ['a forbidden property', { legacy: { on: true } }, [['forbiddenProperty', 'legacy']]],
    ['a removed section', { section: null }, [['missingProperty', 'section.deep.value']]],
    ['a section replaced by a string', { section: 'x' }, [['missingProperty', 'section.deep.value']]],
    ['a section replaced by a list', { section: { deep: [1] } }, [['missingProperty', 'section.deep.value']]],
    [
      'several departures at once',
      { mode: 1, timeout: null, legacy: 0 },
      [
        ['wrongValue', 'mode'],
        ['missingProperty', 'timeout'],
        ['forbiddenProperty', 'legacy'],
      ],
    ],
  ])('is found and repaired with one read and one patch: %s', async (_, change, departures) => {
    const deviceId = newDeviceId('broken');
    world.add(deviceId, { Agent: compliant });
    world.add(newDeviceId('fine'), { Agent: compliant });
    await world.patchAgent(deviceId, change);
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    expect(instance.workItems()).toMatchObject([{ finding: 'suspect', moduleId: 'Agent', devices: [deviceId] }]);
    const calls = await world.callsDuring(() => instance.work());
    expect(calls).toEqual({ twinRead: 1, twinUpdate: 1 });

    const rows = await world.history(deviceId);
    expect(rows.map(({ kind, path }) => [kind, path]).toSorted()).toEqual(departures.toSorted());
    for (const row of rows) expect(row).toMatchObject({ outcome: 'enforced', source: 'sweep' });
    const [row] = await instance.store.list(1);
    expect(row).toMatchObject({ examined: 1, found: departures.length, changed: departures.length, partsDone: 1 });
    expect(await world.newInstance([agentPolicy]).sweep()).toMatchObject({ parts: 0 });
  });

  it('is found and repaired in the twin of the device itself', async () => {
    const deviceId = newDeviceId('own');
    world.add(deviceId, {});
    world.add(newDeviceId('own'), {});
    await world.operator.updateTwin(deviceId, { properties: { desired: { rate: 5 } } }, '*');
    const policy = definePolicy({ name: 'own-twin', desired: { rate: absent() } });
    await world.newInstance([policy]).sweep();
    expect(await world.briefHistory(deviceId)).toEqual([['forbiddenProperty', 'rate', 'enforced']]);
  });

  it('from two policies about one module is repaired with one read and one patch', async () => {
    const second = definePolicy({ name: 'second', module: 'Agent', desired: { extra: 1 } });
    const deviceId = newDeviceId('both');
    world.add(deviceId, { Agent: { ...compliant, mode: 'Off', extra: 2 } });
    const instance = world.newInstance([agentPolicy, second]);
    await instance.run();
    expect(await world.callsDuring(() => instance.work())).toEqual({ twinRead: 1, twinUpdate: 1 });
    expect(await world.briefHistory(deviceId)).toHaveLength(2);
  });
});

describe('audit mode', () => {
  it('records departures and changes nothing', async () => {
    const [missing, broken] = [newDeviceId('audit'), newDeviceId('audit')];
    world.add(missing);
    world.add(broken, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy], { mode: 'audit' });
    let row = {};
    const calls = await world.callsDuring(async () => {
      row = await instance.sweep();
    });
    expect(calls).not.toHaveProperty('bulk');
    expect(calls).not.toHaveProperty('twinUpdate');
    expect(row).toMatchObject({ found: 2, changed: 0 });
    expect(await world.briefHistory(missing)).toEqual([['missingModule', '', 'audited']]);
    expect(await world.briefHistory(broken)).toEqual([['wrongValue', 'mode', 'audited']]);
    expect(await world.desiredOf(broken, 'Agent')).toMatchObject({ mode: 'Off' });

    const again = await world.newInstance([agentPolicy], { mode: 'audit' }).sweep();
    expect(again).toMatchObject({ state: 'done', changed: 0 });
    expect(await world.briefHistory(missing)).toHaveLength(1);
    expect(await world.briefHistory(broken)).toHaveLength(1);
  });
});
