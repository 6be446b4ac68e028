import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { workForMissingModule } from '../../../shared/reconcile/index.ts';
import { newDeviceId, startWorld, type World } from '../../support/world.ts';

const agent = definePolicy({
  name: 'agent',
  // Makes a pass read the device's twin between recalling what is known and writing ahead: the moment at which it stalls.
  appliesTo: { tags: {}, edge: false },
  module: 'Agent',
  createModule: true,
  desired: { mode: 'High' },
});

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Does something once when a twin has been read. */
function afterRead(hub: Hub, meanwhile: () => Promise<void>): Hub {
  let isDone = false;
  return Object.assign(Object.create(hub) as Hub, {
    readTwin: async (...asked: Parameters<Hub['readTwin']>) => {
      const answer = await hub.readTwin(...asked);
      if (!isDone) {
        isDone = true;
        await meanwhile();
      }
      return answer;
    },
  });
}

it('has one row for a module that a sweep creates while the pass that an event began stalls', async () => {
  const deviceId = newDeviceId();
  const sweeping = world.withPolicies([agent]);
  const since = () => ({ version: 0, at: new Date().toISOString(), exact: false });
  const stalling = world.withPolicies([agent], {
    throughHub: (hub) =>
      afterRead(hub, async () => {
        const work = workForMissingModule(toPolicySet([agent], { mode: 'enforce' }), deviceId, 'Agent', since());
        await sweeping.reconciler.reconcile([work], 'sweep');
      }),
  });
  await world.operator.create({ deviceId });
  await stalling.settle();

  expect((await world.history(deviceId)).map(({ kind, outcome, source }) => [kind, outcome, source])).toEqual([
    ['missingModule', 'created', 'sweep'],
  ]);
  expect((await world.journal.read(deviceId)).open).toEqual([]);
  expect(await world.desiredOf(deviceId, 'Agent')).toEqual({ mode: 'High' });
});
