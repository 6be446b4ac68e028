import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardStore, createGuards } from '../../../shared/guards/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { intercepted } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepOptions, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId, quiet } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

let policies = 0;

/** Creates devices with a wrong value, and sweeps them once with room for `room` twins an hour. The other twins are then held back. */
async function heldDevices(count: number, room: number) {
  const policy: PolicyDefinition = { name: `held-${++policies}`, module: 'Agent', desired: { mode: exactly('High') } };
  const devices = Array.from({ length: count }, () => newDeviceId('held'));
  for (const deviceId of devices) world.add(deviceId, { Agent: { mode: 'Off' } });
  const clock = new MovableClock();
  const store = createGuardStore(world.storage, { clock });
  const limit = { type: 'count', count: room } as const;
  const newInstance = (definitions: readonly PolicyDefinition[] = [policy]) => {
    const overridesConfigurations = () => false;
    const guard = createGuards({
      store,
      limit,
      overridesConfigurations,
      countDevices: async () => undefined,
      clock,
      log: quiet,
    });
    return world.newInstance(definitions, { guard, clock });
  };
  expect(await newInstance().sweep()).toMatchObject({ changed: room, heldBack: 0 });
  /** Runs a sweep and its work items. Returns its row, and the number of twins that the hub was asked for. */
  const sweep = async (definitions?: readonly PolicyDefinition[]) => {
    let row = {};
    const { twinRead = 0, ...calls } = await world.callsDuring(async () => {
      row = await newInstance(definitions).sweep();
    });
    return { row, twinRead, all: Object.values(calls).reduce((sum, number) => sum + number, twinRead) };
  };
  const outcomesOf = async (deviceId: string) => (await world.history(deviceId)).map(({ outcome }) => outcome);
  return { policy, devices, clock, store, sweep, outcomesOf };
}

describe('a sweep over twins that a guard holds back', () => {
  it('reads no twin of 55 devices as long as nothing changes', async () => {
    const { sweep, devices } = await heldDevices(55, 0);
    const { row, twinRead, all } = await sweep();
    expect(twinRead).toBe(0);
    expect(all).toBeLessThanOrEqual(4);
    expect(row).toMatchObject({ heldBack: 55, parts: 0, examined: 0 });
    for (const deviceId of devices.slice(0, 3)) expect(await world.briefOpen(deviceId)).toHaveLength(1);
  });

  it('repairs all of them after a release of the policy', async () => {
    const { sweep, store, policy, devices, outcomesOf } = await heldDevices(4, 0);
    await store.release(policy.name);
    expect((await sweep()).row).toMatchObject({ heldBack: 0, changed: 4 });
    for (const deviceId of devices) expect(await outcomesOf(deviceId)).toEqual(['enforced']);
  });

  it('reads as many twins as the policy has room for when the hour has gone by', async () => {
    const { sweep, clock } = await heldDevices(7, 3);
    expect(await sweep()).toMatchObject({ twinRead: 0, row: { heldBack: 4 } });
    clock.pass(62 * 60_000);
    expect(await sweep()).toMatchObject({ twinRead: 3, row: { heldBack: 1, changed: 3 } });
    expect(await sweep()).toMatchObject({ twinRead: 0, row: { heldBack: 1, changed: 0 } });
  });

  it('reads a twin that has changed', async () => {
    const { sweep, devices, outcomesOf } = await heldDevices(3, 0);
    const [healed = '', changed = ''] = devices;
    await world.patchAgent(healed, { mode: 'High' });
    await world.patchAgent(changed, { mode: 'Wrong' });
    expect(await sweep()).toMatchObject({ twinRead: 2, row: { heldBack: 1 } });
    expect(await outcomesOf(healed)).toEqual(['healed']);
    expect((await world.history(changed)).at(-1)).toMatchObject({ actual: 'Wrong', outcome: 'heldBack' });
    expect(await sweep()).toMatchObject({ twinRead: 0, row: { heldBack: 2 } });
  });

  it('reads a twin whose device was deleted', async () => {
    const { sweep, devices, outcomesOf } = await heldDevices(2, 0);
    await world.operator.delete(devices[0] ?? '');
    await sweep();
    expect(await outcomesOf(devices[0] ?? '')).toEqual(['gone']);
  });

  it('reads all twins once after a change of the policies', async () => {
    const { sweep, policy } = await heldDevices(3, 0);
    const stricter = { ...policy, desired: { ...policy.desired, rate: 5 } };
    const { row } = await sweep([stricter]);
    expect(row).toMatchObject({ heldBack: 0, found: 6 });
    expect(await sweep([stricter])).toMatchObject({ twinRead: 0, row: { heldBack: 3 } });
  });
});

describe('a sweep over twins that compete with a configuration', () => {
  const policy: PolicyDefinition = { name: 'contender', module: 'Agent', desired: { mode: exactly('High') } };

  const addRival = (targetCondition: string) =>
    world.operator.addConfiguration({
      id: 'rival',
      schemaVersion: '1.0',
      priority: 1,
      targetCondition,
      content: { moduleContent: { 'properties.desired.mode': 'Off' } },
    } as never);

  /** Adds a configuration that sets `mode` to another value, and a device with that value. Returns a function that runs a sweep. */
  async function competingDevice(desired: JsonObject = {}) {
    const deviceId = newDeviceId('competing');
    world.add(deviceId, { Agent: { mode: 'Off', ...desired } });
    await addRival("FROM devices.modules WHERE moduleId = 'Agent'");
    const clock = new MovableClock();
    const guardStore = createGuardStore(world.storage, { clock });
    const limit = { type: 'count', count: 10 } as const;
    const sweep = async (definitions = [policy], options: SweepOptions = {}) => {
      clock.pass(60_000);
      const guard = createGuards({
        store: guardStore,
        limit,
        overridesConfigurations: () => false,
        countDevices: async () => undefined,
        clock,
        log: quiet,
      });
      return world.newInstance(definitions, { guard, clock, guardStore, ...options }).sweep();
    };
    return { deviceId, sweep };
  }

  it('reads them again only when the configuration has gone', async () => {
    const { deviceId, sweep } = await competingDevice();
    await sweep();
    expect(await world.briefOpen(deviceId)).toEqual([['wrongValue', 'mode', 'heldBack']]);
    expect(await sweep()).toMatchObject({ heldBack: 1, examined: 0 });
    await world.operator.removeConfiguration('rival');
    expect(await sweep()).toMatchObject({ heldBack: 0, changed: 1 });
  });

  it('reads them again when the configuration targets other twins', async () => {
    const { deviceId, sweep } = await competingDevice();
    await sweep();
    expect(await sweep()).toMatchObject({ heldBack: 1, examined: 0 });
    await world.operator.removeConfiguration('rival');
    await addRival("FROM devices.modules WHERE moduleId = 'Agent' AND tags.site = 'elsewhere'");
    expect(await sweep()).toMatchObject({ heldBack: 0, changed: 1 });
    expect(await world.desiredOf(deviceId, 'Agent')).toEqual({ mode: 'High' });
  });

  it('still repairs the drift of another policy about the same twin', async () => {
    const { deviceId, sweep } = await competingDevice({ rate: 9 });
    const both = [policy, { ...policy, name: 'rated', desired: { rate: exactly(5) } }];
    const throughHub = (hub: Hub) =>
      intercepted(hub, (call) =>
        call === 'patchDesired'
          ? Promise.resolve({ ok: false, problem: { type: 'throttled', message: '429 later' } })
          : undefined,
      );
    await sweep(both, { throughHub, attempts: 1 });
    expect((await world.briefOpen(deviceId)).toSorted()).toEqual([
      ['wrongValue', 'mode', 'heldBack'],
      ['wrongValue', 'rate', 'deferred'],
    ]);
    await sweep(both);
    expect(await world.briefOpen(deviceId)).toEqual([['wrongValue', 'mode', 'heldBack']]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'Off', rate: 5 });
  });
});
