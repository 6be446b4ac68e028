import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { atQueries, inPagesOf } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('a sweep', () => {
  it('runs alone when two start at the same time', async () => {
    world.add(newDeviceId(), { Agent: wrongMode });
    const [one, other] = [world.newInstance([agentPolicy]), world.newInstance([agentPolicy])];
    await Promise.all([one.store.list(1), other.store.list(1)]);
    const ends = await Promise.all([one.run(), other.run('manual')]);
    expect(ends.map(({ state }) => state).toSorted()).toEqual(['busy', 'done']);
    expect([...one.workItems(), ...other.workItems()]).toHaveLength(1);
  });

  it('is resumed by another instance when its own is too slow, which then stops', async () => {
    const devices = Array.from({ length: 6 }, () => newDeviceId('slow'));
    for (const deviceId of devices) world.add(deviceId);
    const clock = new MovableClock();
    const quick = world.newInstance([agentPolicy], { clock });
    let overtaken: unknown;
    const slow = world.newInstance([agentPolicy], {
      clock,
      throughHub: (hub) =>
        atQueries(
          inPagesOf(2, hub),
          (query, continuation) => continuation === '2' && !query.includes('modules'),
          async () => {
            if (overtaken !== undefined) return undefined;
            overtaken = 'running';
            clock.pass(200_000);
            overtaken = await quick.run();
            return undefined;
          },
        ),
    });
    expect(await slow.run()).toMatchObject({ state: 'lost' });
    expect(overtaken).toMatchObject({ state: 'done' });
    await Promise.all([slow.work(), quick.work()]);
    for (const deviceId of devices)
      expect(await world.briefHistory(deviceId)).toEqual([['missingModule', '', 'created']]);
    expect(await quick.store.list(5)).toMatchObject([{ state: 'done', resumed: 1 }]);
  });

  it('waits if it was requested while another sweep is running', async () => {
    const held = world.newInstance([agentPolicy]);
    const claim = await held.store.claim({ trigger: 'timer' });
    const instance = world.newInstance([agentPolicy]);
    await instance.worker.handle({ v: 1, type: 'start' });
    expect(instance.messages).toEqual([{ type: 'start' }]);
    expect(instance.delays[0]).toBeGreaterThan(0);
    if (claim === undefined) return;
    await held.store.release(claim, {}, { ...claim.row, state: 'done' });
    await instance.work();
    expect(await instance.store.list(5)).toMatchObject([{ trigger: 'manual', state: 'done' }, { id: claim.id }]);
  });

  it('is not repeated for requests that came before it started', async () => {
    const instance = world.newInstance([agentPolicy]);
    const before = instance.clock.now().toISOString();
    instance.clock.pass(1000);
    for (let request = 0; request < 5; request++) await instance.worker.handle({ v: 1, type: 'start', at: before });
    expect(await instance.store.list(5)).toHaveLength(1);
    instance.clock.pass(1000);
    const after = instance.clock.now().toISOString();
    await instance.worker.handle({ v: 1, type: 'start', at: after });
    expect((await instance.store.list(5)).filter(({ state }) => state === 'done')).toHaveLength(2);
  });

  it('is not started by the timer while work items of the last sweep are left', async () => {
    world.add(newDeviceId(), { Agent: wrongMode });
    const instance = world.newInstance([agentPolicy]);
    await instance.run();
    expect(await world.newInstance([agentPolicy]).run('timer')).toEqual({ state: 'busy' });
    await instance.work();
    instance.clock.pass(1000);
    expect(await world.newInstance([agentPolicy], { clock: instance.clock }).run('timer')).toMatchObject({
      state: 'done',
    });
  });

  it('is abandoned after the policies changed, and a new one starts', async () => {
    world.add(newDeviceId(), { Agent: compliant });
    const clock = new MovableClock();
    const before = world.newInstance([agentPolicy], {
      clock,
      throughHub: (hub) =>
        atQueries(
          hub,
          () => true,
          () => void clock.pass(10 * 60_000),
        ),
    });
    expect(await before.run()).toMatchObject({ state: 'paused' });
    const after = world.newInstance([{ ...agentPolicy, desired: { mode: 'High' } }], { clock });
    expect(await after.run()).toMatchObject({ state: 'done' });
    const [now, abandoned] = await after.store.list(5);
    expect(now).toMatchObject({ state: 'done', resumed: 0 });
    expect(abandoned).toMatchObject({ state: 'abandoned', endedAt: expect.any(String) });
    // The queue still has a message that asks to resume the abandoned sweep. This message must have no effect.
    after.messages.push(...before.messages.filter(({ type }) => type === 'continue'));
    const calls = await world.callsDuring(() => after.worker.handle({ v: 1, ...before.messages.at(-1) }));
    expect(calls).toEqual({});
  });
});
