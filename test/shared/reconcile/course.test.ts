import { describe, expect, it } from 'vitest';
import { policyHash, toPolicySet, versionsOf } from '../../../shared/policy/index.ts';
import { agent, newWorld, toQueueMessage } from './memory-world.ts';

const device = { deviceId: 'd', moduleId: 'm' };
const policies = toPolicySet([agent], { mode: 'enforce' });

/** A device whose module was made to drift. The event is not processed yet. */
async function driftedWorld() {
  const world = newWorld([agent], undefined, { versions: versionsOf(policies, '1.2.3') });
  world.registry.create({ deviceId: 'd' }, {});
  await world.processor.process(world.newEvents());
  world.newEvents();
  world.registry.patchTwin(device, { desired: { mode: 'Off' } }, '*');
  return world;
}

const busy = { type: 'transient', message: 'the hub is busy' } as const;

describe('the course of a departure', () => {
  it('names each outcome with its time, its reason and its cause, and the versions of policy and app', async () => {
    const world = await driftedWorld();
    world.trouble.problem = busy;
    await world.processor.process(world.newEvents());
    await world.processor.retry(await toQueueMessage(world.deferred.at(-1)?.deferral ?? raise()));
    delete world.trouble.problem;
    await world.processor.retry(await toQueueMessage(world.deferred.at(-1)?.deferral ?? raise()));
    const row = (await world.history('d')).at(-1);
    expect(row).toMatchObject({
      outcome: 'enforced',
      policyVersion: policies.all.map(policyHash)[0],
      appVersion: '1.2.3',
      transitions: [
        { outcome: 'deferred', reason: 'the hub is busy', by: 'event' },
        { outcome: 'pending', by: 'event' },
        { outcome: 'enforced', at: row?.outcomeAt, by: 'event' },
      ],
    });
    expect(row).not.toHaveProperty('error');
  });

  it('says that the retries ended', async () => {
    const world = await driftedWorld();
    world.trouble.problem = busy;
    await world.processor.process(world.newEvents());
    await world.processor.deadLetter(await toQueueMessage(world.deferred.at(-1)?.deferral ?? raise()), 'gave up');
    expect((await world.history('d')).at(-1)?.transitions).toMatchObject([
      { outcome: 'deferred' },
      { outcome: 'failed', reason: 'gave up', by: 'retries' },
    ]);
  });
});

function raise(): never {
  throw new Error('Nothing was deferred.');
}
