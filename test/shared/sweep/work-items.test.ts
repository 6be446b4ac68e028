import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { agentPolicy, wrongMode } from '../../support/agent-policy.ts';
import { intercepted } from '../../support/disturbed-hub.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('unfinished work', () => {
  const throttledUpdates = (times: number) => {
    let left = times;
    return (hub: Hub) =>
      intercepted(hub, (call) =>
        call === 'patchDesired' && left-- > 0
          ? Promise.resolve({ ok: false, problem: { type: 'throttled', message: '429 later' } })
          : undefined,
      );
  };

  it('is retried with growing delays, and the row counts its devices as deferred', async () => {
    const [one, other] = [newDeviceId('later'), newDeviceId('later')];
    for (const deviceId of [one, other]) world.add(deviceId, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy], { throughHub: throttledUpdates(3), attempts: 5 });
    await instance.run();
    await instance.worker.handle({ v: 1, ...instance.messages.shift() });
    expect(instance.workItems()).toMatchObject([{ attempt: 1, devices: [one, other] }]);
    expect(await world.briefOpen(one)).toEqual([['wrongValue', 'mode', 'deferred']]);
    await instance.work();
    expect(instance.delays.slice(1)).toEqual([1, 2]);
    for (const deviceId of [one, other])
      expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
    const [row] = await instance.store.list(1);
    expect(row).toMatchObject({ examined: 2, found: 2, changed: 2, deferred: 2, parts: 1, partsDone: 1 });
  });

  it('is left to the next sweep after its last attempt', async () => {
    const deviceId = newDeviceId('later');
    world.add(deviceId, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy], { throughHub: throttledUpdates(3), attempts: 3 });
    await instance.sweep();
    expect(instance.messages).toEqual([]);
    expect(instance.logged.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', message: expect.stringMatching(/1 devices? .*next sweep.*429 later/) },
    ]);
    expect(await world.briefOpen(deviceId)).toEqual([['wrongValue', 'mode', 'deferred']]);
    const next = await world.newInstance([agentPolicy]).sweep();
    expect(next).toMatchObject({ found: 1, changed: 1 });
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('returns to the queue with the same devices while the budget is used up, and records nothing', async () => {
    const deviceId = newDeviceId('budget');
    world.add(deviceId, { Agent: wrongMode });
    let wait = 60_000;
    const throughHub = (hub: Hub): Hub =>
      new Proxy(hub, {
        get: (target, key) =>
          key === 'lane'
            ? (...args: Parameters<typeof hub.lane>) => throughHub(target.lane(...args))
            : key === 'waitFor'
              ? () => wait
              : Reflect.get(target, key),
      });
    const instance = world.newInstance([agentPolicy], { throughHub });
    await instance.run();
    const [item] = instance.workItems();
    const calls = await world.callsDuring(() => instance.worker.handle({ v: 1, ...instance.messages.shift() }));
    expect(calls).toEqual({});
    expect(instance.workItems()).toEqual([{ ...item, turn: 1, due: expect.any(String) }]);
    expect(instance.delays.at(-1)).toBeGreaterThanOrEqual(60);
    expect(await world.history(deviceId)).toEqual([]);
    wait = 0;
    await instance.work();
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('that a guard holds back is found again by the next sweep, in the same row', async () => {
    const deviceId = newDeviceId('held');
    world.add(deviceId, { Agent: wrongMode });
    const guard = {
      review: async ({ departures }: { departures: readonly never[] }) =>
        new Map(departures.map((departure) => [departure, 'not now'])),
    };
    await world.newInstance([agentPolicy], { guard: guard as never }).sweep();
    expect(await world.briefOpen(deviceId)).toEqual([['wrongValue', 'mode', 'heldBack']]);
    const row = await world.newInstance([agentPolicy]).sweep();
    expect(row).toMatchObject({ found: 1, changed: 1 });
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });
});

describe('a work item', () => {
  it('changes nothing and counts once when it is delivered again', async () => {
    const [missing, broken] = [newDeviceId('twice'), newDeviceId('twice')];
    world.add(missing);
    world.add(broken, { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    const delivered = instance.messages.slice();
    await instance.work();
    const before = await Promise.all([missing, broken].map((id) => world.history(id)));
    instance.messages.push(...delivered, ...delivered);
    const calls = await world.callsDuring(() => instance.work());
    expect(calls).toEqual({});
    expect(await Promise.all([missing, broken].map((id) => world.history(id)))).toEqual(before);
    expect((await instance.store.list(1))[0]).toMatchObject({ found: 2, changed: 2, parts: 2, partsDone: 2 });
  });

  it('about a module without a policy is done without a hub call', async () => {
    const deviceId = newDeviceId('old');
    world.add(deviceId, { Agent: {} });
    const instance = world.newInstance([{ ...agentPolicy, module: 'Another' }]);
    const at = new Date().toISOString();
    const calls = await world.callsDuring(async () => {
      for (const finding of ['suspect', 'missing'] as const) {
        const key = { sweepId: 'x', part: `1-${finding}` };
        const devices = [deviceId];
        await instance.store.putWorkItem({
          ...key,
          moduleId: 'Agent',
          finding,
          at,
          devices,
          attempt: 0,
          turn: 0,
          due: at,
        });
        await instance.worker.handle({ v: 1, type: 'part', ...key, turn: 0 });
      }
    });
    expect(calls).toEqual({});
    expect(await world.history(deviceId)).toEqual([]);
  });

  it('of an unknown type is refused', async () => {
    await expect(world.newInstance([agentPolicy]).worker.handle({ v: 1, type: 'else' })).rejects.toThrow(TypeError);
  });
});
