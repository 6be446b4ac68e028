import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, QueryPage } from '../../../shared/hub/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { brief, newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('an event and a sweep that find the same departure', () => {
  const departures: readonly [string, (deviceId: string) => Promise<unknown>, string][] = [
    ['a wrong value', (deviceId) => world.patchAgent(deviceId, { mode: 'Off' }), 'wrongValue'],
    [
      'a removed property',
      (deviceId) => world.patchAgent(deviceId, { timeout: null, label: 'other' }),
      'missingProperty',
    ],
    ['a removed section', (deviceId) => world.patchAgent(deviceId, { section: null }), 'missingProperty'],
    ['a deleted module', (deviceId) => world.operator.removeModule(deviceId, 'Agent'), 'missingModule'],
  ];

  it.each(departures)('write one row when the sweep is first: %s', async (_, depart, kind) => {
    const { deviceId, events, instance } = await departed(depart);
    await instance.sweep();
    await events.settle();
    expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
    expect((await world.history(deviceId))[0]?.outcome).toMatch(/enforced|created/);
    expect(await world.briefOpen(deviceId)).toEqual([]);
  });

  it.each(departures)('write one row when the event is first and the finding is stale: %s', async (_, depart, kind) => {
    const { deviceId, events, instance } = await departed(depart);
    await instance.run();
    await events.settle();
    await instance.work();
    expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
    expect(await world.briefOpen(deviceId)).toEqual([]);
    const [row] = await instance.store.list(1);
    expect(row).toMatchObject({ found: 0, changed: 0, parts: 1, partsDone: 1 });
  });

  it.each(departures)('write one row when both run at the same time: %s', async (_, depart, kind) => {
    for (let time = 0; time < 3; time++) {
      await world.clear();
      const { deviceId, events, instance } = await departed(depart);
      await instance.run();
      await Promise.all([events.settle(), instance.work()]);
      await events.settle();
      expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
      expect(await world.briefOpen(deviceId)).toEqual([]);
      expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ section: { deep: { value: true } } });
    }
  });

  async function departed(depart: (deviceId: string) => Promise<unknown>) {
    const deviceId = newDeviceId('seen');
    world.add(deviceId, { Agent: compliant });
    const events = world.withPolicies([agentPolicy]);
    await depart(deviceId);
    return { deviceId, events, instance: world.newInstance([agentPolicy]) };
  }

  it('write one row for a new device whose event is late', async () => {
    const events = world.withPolicies([agentPolicy]);
    const deviceId = newDeviceId('late');
    world.add(deviceId);
    await world.newInstance([agentPolicy]).sweep();
    const before = await world.history(deviceId);
    expect(brief(before)).toEqual([['missingModule', '', 'created']]);
    await events.settle();
    // The row now has the write that the event reports. Everything else stays unchanged.
    const after = await world.history(deviceId);
    expect(after).toMatchObject(before.map(({ write: _, ...row }) => row));
    expect(after.map(({ write }) => write.exact)).toEqual([true]);
  });

  it.each([
    ['before its event', 'work', 'event'],
    ['after its event', 'event', 'work'],
  ])('write one row when the module is deleted after the sweep found it, worked on %s', async (_, ...order) => {
    const deviceId = newDeviceId('seen');
    world.add(deviceId, { Agent: wrongMode });
    const events = world.withPolicies([agentPolicy]);
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    await world.operator.removeModule(deviceId, 'Agent');
    const deletion = events.newEvents();
    for (const step of order) {
      if (step === 'work') await instance.work();
      else await events.processor.process(deletion);
    }
    expect(await world.briefHistory(deviceId)).toEqual([['missingModule', '', 'created']]);
    const own = events.newEvents();
    for (const batch of [own, deletion, [...own, ...deletion], deletion]) {
      await events.processor.process(batch);
      expect(await world.briefHistory(deviceId)).toEqual([['missingModule', '', 'created']]);
    }
    expect(await world.briefOpen(deviceId)).toEqual([]);
  });
});

describe('a stale finding', () => {
  it('adds no row and changes nothing after the property was put right', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    await world.patchAgent(deviceId, { mode: 'High' });
    expect(await world.callsDuring(() => instance.work())).toEqual({ twinRead: 1 });
    expect(await world.history(deviceId)).toEqual([]);
  });

  it('changes nothing and leaves no drift open after the device was deleted', async () => {
    const [suspect, lacking] = [newDeviceId('stale'), newDeviceId('stale')];
    world.add(suspect, { Agent: wrongMode });
    world.add(lacking);
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    for (const deviceId of [suspect, lacking]) await world.operator.delete(deviceId);
    await instance.work();
    expect(await world.history(suspect)).toEqual([]);
    expect((await world.history(lacking)).map((row) => row.outcome)).toEqual(['gone']);
    expect(await world.briefOpen(lacking)).toEqual([]);
  });

  it('leads to a new module after the module was deleted', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    await world.operator.removeModule(deviceId, 'Agent');
    await instance.work();
    expect(await world.briefHistory(deviceId)).toEqual([['missingModule', '', 'created']]);
  });

  it('adds no second row after an earlier sweep created the missing module', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId);
    const replayed = new Map<string, Answer<QueryPage>>();
    await world
      .newInstance([agentPolicy], {
        throughHub: (hub) =>
          atQueries(
            hub,
            () => true,
            async (query) => {
              const answer = await world.hubClient.queryPage(query);
              replayed.set(query, answer);
              return answer;
            },
          ),
      })
      .sweep();
    const before = await world.history(deviceId);
    const instance = world.newInstance([agentPolicy], {
      throughHub: (hub) =>
        atQueries(
          hub,
          () => true,
          (query) => replayed.get(query),
        ),
    });
    await instance.run();
    expect(instance.workItems()).toMatchObject([{ finding: 'missing', devices: [deviceId] }]);
    expect(await world.callsDuring(() => instance.work())).toEqual({ twinRead: 1 });
    expect(await world.history(deviceId)).toEqual(before);
  });

  it.each(['enforce', 'audit'] as const)(
    'leaves no drift open after somebody else created the missing module (%s)',
    async (mode) => {
      const deviceId = newDeviceId('stale');
      world.add(deviceId);
      const instance = world.newInstance([agentPolicy], { mode });
      await instance.run();
      world.hub.registry.create({ deviceId, moduleId: 'Agent' }, {}, { desired: compliant });
      await instance.work();
      expect(await world.briefOpen(deviceId)).toEqual([]);
      expect(await world.desiredOf(deviceId, 'Agent')).toEqual(compliant);
      // In enforce mode, the reconciler writes the row before it tries to create the module, so the history has a row.
      expect(await world.briefHistory(deviceId)).toEqual(mode === 'audit' ? [] : [['missingModule', '', 'healed']]);
    },
  );

  it('adds no row in audit mode after the module was recorded as missing and then created', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId);
    const first = world.newInstance([agentPolicy], { mode: 'audit' });
    await first.run();
    const stale = first.messages.slice();
    await first.work();
    expect(await world.briefOpen(deviceId)).toEqual([['missingModule', '', 'audited']]);
    const events = world.withPolicies([agentPolicy], { mode: 'audit' });
    world.hub.registry.create({ deviceId, moduleId: 'Agent' }, {}, { desired: compliant });
    await events.settle();
    const before = await world.history(deviceId);
    expect(await world.briefOpen(deviceId)).toEqual([]);
    first.messages.push(...stale.map((message) => ({ ...message, at: first.clock.now().toISOString() })));
    await first.work();
    expect(await world.history(deviceId)).toEqual(before);
  });

  it('from a lagging query leads to the right change', async () => {
    // The hub returns an old page of results, which is empty: no module existed then.
    const empty: Answer<QueryPage> = { ok: true, value: { items: [] } };
    const deviceId = newDeviceId('lag');
    world.add(deviceId, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy], {
      throughHub: (hub) =>
        atQueries(
          hub,
          (query) => query.includes('devices.modules'),
          () => empty,
        ),
    });
    await instance.sweep();
    // To the sweep, the module seems to be missing. The worker then finds that the module exists and that its `mode` is wrong.
    expect(await world.briefOpen(deviceId)).toEqual([]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
    expect((await world.history(deviceId)).filter(({ kind }) => kind === 'wrongValue')).toHaveLength(1);
  });
});
