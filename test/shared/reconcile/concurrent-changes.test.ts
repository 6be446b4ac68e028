import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForMissingModule } from '../../../shared/reconcile/index.ts';
import { intercepted } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { brief, newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';
import { agent, settledDevice } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Wraps a hub. The wrapped hub calls `interfere` once, before the first call of the method `name`. */
function interfereBefore(name: keyof Hub, interfere: () => Promise<unknown>) {
  let isDone = false;
  return (hub: Hub): Hub =>
    new Proxy(hub, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (key !== name || typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (!isDone) {
            isDone = true;
            await interfere();
          }
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
}

/** Wraps a hub. The wrapped hub calls `interfere` once, after the first twin was read. */
function interfereAfterRead(hub: Hub, interfere: () => Promise<void>): Hub {
  let isDone = false;
  return Object.assign(Object.create(hub) as Hub, {
    readTwin: async (...args: Parameters<Hub['readTwin']>) => {
      const answer = await hub.readTwin(...args);
      if (!isDone) {
        isDone = true;
        await interfere();
      }
      return answer;
    },
  });
}

describe('a pass', () => {
  it('reads the twin again after a 412, and enforces both departures', async () => {
    const { deviceId, patch, created } = await settledDevice(world);
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('patchDesired', () => patch({ timeout: 5 })),
    });
    await patch({ mode: null });
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([
      ['missingProperty', 'mode', 'enforced'],
      ['wrongValue', 'timeout', 'enforced'],
    ]);
  });

  it('records a module as gone that is deleted between read and patch, and creates the module again', async () => {
    const { deviceId, patch, created } = await settledDevice(world);
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('patchDesired', () => world.operator.removeModule(deviceId, 'Agent')),
    });
    await patch({ mode: 'Off' });
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([
      ['wrongValue', 'mode', 'gone'],
      ['missingModule', '', 'created'],
    ]);
  });

  it('reads a module that somebody else creates right before the bulk call', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('createModules', () => world.operator.addModule({ deviceId, moduleId: 'Agent' })),
    });
    await world.operator.create({ deviceId });
    await twinkeeper.settle();
    const rows = brief(await world.history(deviceId));
    expect(rows).toContainEqual(['missingModule', '', 'healed']);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High', timeout: 100 });
  });

  it('creates the other modules of a bulk call when one device is deleted', async () => {
    const devices = Array.from({ length: 5 }, () => newDeviceId());
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('createModules', () => world.operator.delete(String(devices[2]))),
    });
    await world.operator.addDevices(devices.map((deviceId) => ({ deviceId })));
    await twinkeeper.settle();
    const outcomes = await Promise.all(
      devices.map(async (deviceId) => (await world.history(deviceId)).map((row) => row.outcome)),
    );
    expect(outcomes).toEqual([['created'], ['created'], ['gone'], ['created'], ['created']]);
  });

  it('shares one row with a sweep that creates the same missing module during the pass', async () => {
    // Because of the `edge` condition, the pass reads the device twin after it read the known rows. The sweep runs right after the read of
    // the twin.
    const edgePolicy = definePolicy({
      name: 'agent',
      appliesTo: { tags: {}, edge: false },
      module: 'Agent',
      createModule: true,
      desired: { mode: 'High' },
    });
    const deviceId = newDeviceId();
    const sweeping = world.withPolicies([edgePolicy]);
    const slow = world.withPolicies([edgePolicy], {
      throughHub: (hub) =>
        interfereAfterRead(hub, async () => {
          const write = { version: 0, at: new Date().toISOString(), exact: false };
          const policies = toPolicySet([edgePolicy], { mode: 'enforce' });
          const work = workForMissingModule(policies, deviceId, 'Agent', write);
          await sweeping.reconciler.reconcile([work], 'sweep');
        }),
    });
    await world.operator.create({ deviceId });
    await slow.settle();

    expect((await world.history(deviceId)).map(({ kind, outcome, source }) => [kind, outcome, source])).toEqual([
      ['missingModule', 'created', 'sweep'],
    ]);
    expect((await world.journal.read(deviceId)).open).toEqual([]);
    expect(await world.desiredOf(deviceId, 'Agent')).toEqual({ mode: 'High' });
  });

  it('keeps `created` for a module that it created, when another pass saw the module first and took it for healed', async () => {
    const deviceId = newDeviceId();
    const policies = toPolicySet([agent], { mode: 'enforce' });
    const other = world.withPolicies([agent]);
    // The clock is ahead of the hub's. So the other pass sees a module that seems older than the finding that it was missing.
    const clock = new MovableClock();
    clock.pass(200_000);
    const work = () =>
      workForMissingModule(policies, deviceId, 'Agent', { version: 0, at: clock.now().toISOString(), exact: false });
    const lookFirst = intercepted(world.hubClient, (call, args) => {
      if (call !== 'createModules') return undefined;
      return (async () => {
        const answers = await world.hubClient.createModules(...(args as Parameters<Hub['createModules']>));
        await other.reconciler.reconcile([work()], 'sweep');
        expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'healed']]);
        return answers;
      })();
    });
    const { journal } = world;
    const slow = new Reconciler({ policies, hub: lookFirst, journal, log: quiet, clock });
    await world.operator.create({ deviceId });
    await slow.reconcile([work()], 'sweep');

    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'created']]);
    expect((await world.journal.read(deviceId)).open).toEqual([]);
  });
});
