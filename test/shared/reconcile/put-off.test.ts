import { describe, expect, it } from 'vitest';
import { noGuard } from '../../../shared/guards/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { agent, newWorld, toQueueMessage } from './memory-world.ts';

const hours = 9;
const problem = {
  type: 'throttled',
  message: 'put off until 00:00 UTC',
  waits: true,
  quota: 'share',
  retryAfter: hours * 3_600_000,
} as const;

describe('an event that is put off until the next day', () => {
  it('waits in the queue until then, however often it is put off, and is then done', async () => {
    const world = newWorld();
    world.registry.create({ deviceId: 'd' }, {});
    const events = world.newEvents();
    world.trouble.problem = problem;
    await world.processor.process(events);
    for (let n = 0; n < 10; n++) {
      const last = world.deferred.at(-1);
      expect(last).toMatchObject({ delay: hours * 3600, deferral: { attempt: 0 } });
      await world.processor.retry(await toQueueMessage(last?.deferral ?? expect.fail()));
    }
    expect(await world.deadLetters.all()).toEqual([]);
    delete world.trouble.problem;
    await world.processor.retry(await toQueueMessage(world.deferred.at(-1)?.deferral ?? expect.fail()));
    expect(await world.history('d')).toMatchObject([{ kind: 'missingModule', outcome: 'created' }]);
  });

  it('waits in the same way when a guard needs the device twin', async () => {
    const guard: typeof noGuard = {
      ...noGuard,
      review: async ({ readDeviceTwin }) => {
        await readDeviceTwin?.();
        return new Map();
      },
    };
    const throughHub = (hub: Hub): Hub => ({
      ...hub,
      readTwin: async (deviceId, moduleId) =>
        moduleId === '' ? { ok: false, problem } : hub.readTwin(deviceId, moduleId),
    });
    const world = newWorld([agent], undefined, { guard, throughHub });
    world.registry.create({ deviceId: 'd' }, {});
    await world.processor.process(world.newEvents());
    expect(world.deferred).toMatchObject([{ delay: hours * 3600, deferral: { attempt: 0 } }]);
  });
});
