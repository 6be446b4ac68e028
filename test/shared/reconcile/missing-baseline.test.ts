import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { newTwin } from '../../../infra/local/hub/twin.ts';
import { absent, atLeast, byDefault, definePolicy, optional, toPolicySet } from '../../../shared/policy/index.ts';
import { plan, workForDevice } from '../../../shared/reconcile/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { readTwin } from '../../support/arbitraries.ts';
import { brief, newDeviceId, startWorld, type World } from '../../support/world.ts';
import { agent, settledDevice } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const baseline = { mode: 'High', timeout: 100, section: { deep: { value: true }, interval: 'PT1H' } };
const empty = { mode: null, timeout: null, section: null };

/** Reads the twins of a device without an event, as the work of a sweep does. */
const lookAt = async ({ reconciler }: ReturnType<World['withPolicies']>, deviceId: string) => {
  const write = { version: 0, at: new Date().toISOString(), exact: false };
  await reconciler.reconcile([workForDevice(reconciler.policies, deviceId, write)], 'sweep');
};

describe('a module that has nothing of its policy', () => {
  it('is one row and one patch, also after the events come again', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([defenderMicroAgent]);
    await world.operator.create({ deviceId });
    await twinkeeper.settle();
    await world.operator.removeModule(deviceId, 'DefenderIotMicroAgent');
    await world.operator.addModule({ deviceId, moduleId: 'DefenderIotMicroAgent' });
    const before = (await world.calls()).twinUpdate ?? 0;
    const events = twinkeeper.newEvents();
    await twinkeeper.processor.process(events);
    await twinkeeper.settle();
    await twinkeeper.processor.process(events);
    await lookAt(twinkeeper, deviceId);
    expect((await world.calls()).twinUpdate).toBe(before + 1);
    const rows = await world.history(deviceId);
    expect(brief(rows.filter(({ kind }) => kind !== 'missingModule'))).toEqual([['missingBaseline', '', 'enforced']]);
    expect(rows.find(({ kind }) => kind === 'missingBaseline')?.expected).toEqual(
      await world.desiredOf(deviceId, 'DefenderIotMicroAgent'),
    );
  });

  it.each(['the event', 'a look at the twin'])(
    'is one row when one write removed everything and %s comes first',
    async (first) => {
      const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
      await patch(empty);
      if (first !== 'the event') await lookAt(twinkeeper, deviceId);
      await twinkeeper.settle();
      await lookAt(twinkeeper, deviceId);
      expect(brief(await world.history(deviceId)).slice(created)).toEqual([['missingBaseline', '', 'enforced']]);
      expect(await world.desiredOf(deviceId, 'Agent')).toEqual(baseline);
    },
  );

  it('has a row for each property when separate writes removed them and their events come first', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
    await patch({ mode: null, section: null });
    await patch({ timeout: null });
    await twinkeeper.settle();
    const rows = brief(await world.history(deviceId)).slice(created);
    expect(rows.toSorted()).toEqual([
      ['missingProperty', 'mode', 'enforced'],
      ['missingProperty', 'section.deep.value', 'enforced'],
      ['missingProperty', 'section.interval', 'enforced'],
      ['missingProperty', 'timeout', 'enforced'],
    ]);
    expect(await world.desiredOf(deviceId, 'Agent')).toEqual(baseline);
  });

  it('has one row when a look at the twin comes before the events of separate writes', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
    await patch({ mode: null, section: null });
    await patch({ timeout: null });
    await lookAt(twinkeeper, deviceId);
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId)).slice(created)).toEqual([['missingBaseline', '', 'enforced']]);
  });

  it('is superseded by the rows of the other properties when somebody sets only one', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([{ ...agent, mode: 'audit' }]);
    await world.operator.addDevices([{ deviceId }] as never);
    await world.operator.addModule({ deviceId, moduleId: 'Agent' });
    await twinkeeper.settle();
    await lookAt(twinkeeper, deviceId);
    expect(brief(await world.history(deviceId))).toEqual([
      ['missingModule', '', 'healed'],
      ['missingBaseline', '', 'audited'],
    ]);
    await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired: { mode: 'Low' } } }, '*');
    await twinkeeper.settle();
    await lookAt(twinkeeper, deviceId);
    const open = (await world.journal.read(deviceId)).open;
    expect(open.map(({ kind, path }) => [kind, path]).toSorted()).toEqual([
      ['missingProperty', 'section.deep.value'],
      ['missingProperty', 'section.interval'],
      ['missingProperty', 'timeout'],
    ]);
    expect((await world.history(deviceId)).find(({ kind }) => kind === 'missingBaseline')?.closedAt).toBeDefined();
  });
});

describe('the plan for a twin without the baseline', () => {
  const planFor = (desired: Parameters<typeof definePolicy>[0]['desired'], properties: JsonObject = {}) => {
    const { all } = toPolicySet([definePolicy({ name: 'p', module: 'm', ...(desired && { desired }) })], {
      mode: 'enforce',
    });
    const twin = readTwin(newTwin({ desired: properties }, 3_600_000), 'd', 'm');
    const { drifts, actions } = plan(all, {
      device: { deviceId: 'd', tags: {}, edge: false },
      twins: [{ moduleId: 'm', twin }],
    });
    return {
      drifts: drifts.map(({ kind, path }) => [kind, path]),
      patches: actions.map((action) => 'patch' in action && action.patch),
    };
  };

  it('has no departure when all properties are optional or forbidden', () => {
    expect(planFor({ a: optional(1), b: optional(atLeast(2)), c: absent() })).toEqual({ drifts: [], patches: [] });
  });

  it('counts a property with a default as a part of the baseline, and an optional one not', () => {
    expect(planFor({ a: byDefault(1), b: byDefault(2), c: optional(3), d: absent() })).toEqual({
      drifts: [['missingBaseline', '']],
      patches: [{ a: 1, b: 2 }],
    });
    expect(planFor({ a: byDefault(1), b: byDefault(2), c: optional(3) }, { c: 3 }).drifts).toEqual([
      ['missingBaseline', ''],
    ]);
    expect(planFor({ a: byDefault(1), b: byDefault(2) }, { b: 7 }).drifts).toEqual([['missingProperty', 'a']]);
  });

  it('names the property of a baseline of one property', () => {
    expect(planFor({ a: 1, c: optional(3) }).drifts).toEqual([['missingProperty', 'a']]);
  });

  it('also has what the policy forbids, in the same patch', () => {
    expect(planFor({ s: { a: 1, b: 2, c: absent() } }, { s: { c: 1 } })).toEqual({
      drifts: [
        ['missingBaseline', ''],
        ['forbiddenProperty', 's.c'],
      ],
      patches: [{ s: { a: 1, b: 2, c: null } }],
    });
  });

  it('has a departure for each property when a plain value is in the place of a section', () => {
    expect(planFor({ s: { a: 1, b: 2 } }, { s: 'x' }).drifts).toEqual([
      ['missingProperty', 's.a'],
      ['missingProperty', 's.b'],
    ]);
  });
});
