import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { agentPolicy, wrongMode } from '../../support/agent-policy.ts';
import { intercepted } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

/** A hub that throttles the next `times` patches. */
function throttledUpdates(times: number) {
  let left = times;
  return (hub: Hub) =>
    intercepted(hub, (call) =>
      call === 'patchDesired' && left-- > 0
        ? Promise.resolve({ ok: false, problem: { type: 'throttled', message: '429 later' } })
        : undefined,
    );
}

/** Creates devices with drift, and an instance whose first sweep cannot repair them, so that their retry waits in the queue. */
async function waitingDevices(count: number, clock = new MovableClock()) {
  const devices = Array.from({ length: count }, () => newDeviceId('waiting'));
  for (const deviceId of devices) world.add(deviceId, { Agent: wrongMode });
  const instance = world.newInstance([agentPolicy], { throughHub: throttledUpdates(count), attempts: 9, clock });
  await instance.run();
  await instance.worker.handle({ v: 1, ...instance.messages.shift() });
  return { devices, instance };
}

describe('a device that waits for its retry', () => {
  it('is not queued again by later sweeps, and the rows of the sweeps say so', async () => {
    const { devices, instance } = await waitingDevices(3);
    for (let sweep = 0; sweep < 2; sweep++) await instance.run('manual');
    expect(instance.workItems().map((item) => item.devices)).toEqual([devices]);
    expect(await instance.store.list(5)).toMatchObject([
      { parts: 0, waiting: 0, alreadyQueued: 3 },
      { parts: 0, waiting: 0, alreadyQueued: 3 },
      { parts: 1, partsDone: 1, deferred: 3, waiting: 3, alreadyQueued: 0 },
    ]);
    await instance.work();
    for (const deviceId of devices) {
      expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
    }
    const rows = await instance.store.list(5);
    expect(rows.map(({ waiting }) => waiting)).toEqual([0, 0, 0]);
  });

  it('is queued again when its drift comes back after the retry', async () => {
    const { devices, instance } = await waitingDevices(1);
    await instance.work();
    for (const deviceId of devices) await world.patchAgent(deviceId, wrongMode);
    expect(await instance.sweep()).toMatchObject({ parts: 1, changed: 1, alreadyQueued: 0 });
  });

  it('is queued again when its message is lost, and the lost message does nothing if it comes late', async () => {
    const clock = new MovableClock();
    const { devices, instance } = await waitingDevices(2, clock);
    const late = instance.messages.splice(0);
    clock.pass(20 * 60_000);
    expect(await instance.sweep()).toMatchObject({ parts: 0, alreadyQueued: 2 });
    clock.pass(20 * 60_000);
    expect(await instance.sweep()).toMatchObject({ parts: 1, changed: 2 });
    const rows = await instance.store.list(5);
    expect(rows.map(({ waiting }) => waiting)).toEqual([0, 0, 0]);
    instance.messages.push(...late);
    expect(await world.callsDuring(() => instance.work())).toEqual({});
    for (const deviceId of devices) {
      expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
    }
  });

  it('is repaired with one read and one patch when the queue delivers copies of its message', async () => {
    const { instance } = await waitingDevices(1);
    const [message] = instance.messages;
    if (message !== undefined) instance.messages.push(message, message);
    expect(await world.callsDuring(() => instance.work())).toEqual({ twinRead: 1, twinUpdate: 1 });
  });

  it('is handled when a process dies between the new message and the update of the work item', async () => {
    const deviceId = newDeviceId('dies');
    world.add(deviceId, { Agent: wrongMode });
    let mustDie = true;
    const instance = world.newInstance([agentPolicy], {
      throughHub: throttledUpdates(1),
      throughStore: (store) => ({
        ...store,
        async replaceWorkItem(item, next) {
          if (mustDie) throw new Error('killed');
          await store.replaceWorkItem(item, next);
        },
      }),
    });
    await instance.run();
    const [first] = instance.messages.splice(0);
    await expect(instance.worker.handle({ v: 1, ...first })).rejects.toThrow('killed');
    mustDie = false;
    // The queue delivers the first message again, because its invocation failed.
    if (first !== undefined) instance.messages.push(first);
    await instance.work();
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
    expect((await instance.store.list(1))[0]).toMatchObject({ waiting: 0, parts: 1, partsDone: 1 });
  });
});

describe('a device whose first attempt waits in the queue', () => {
  it('is not queued again by a sweep that a person starts', async () => {
    world.add(newDeviceId('early'), { Agent: wrongMode });
    world.add(newDeviceId('early'));
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    const before = [...instance.messages];
    await instance.run('manual');
    expect(instance.messages).toEqual(before);
    expect(await instance.store.list(2)).toMatchObject([
      { parts: 0, alreadyQueued: 2 },
      { parts: 2, waiting: 2 },
    ]);
  });
});
