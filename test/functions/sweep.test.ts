import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LazyApp } from '../../functions/lazy-app.ts';
import { definePolicy } from '../../shared/policy/index.ts';
import { sweepQueueName } from '../../shared/sweep/index.ts';
import { type SweepInstance, type SweepWorld, startSweepWorld } from '../support/sweep-world.ts';
import { brief, newDeviceId } from '../support/world.ts';

interface Registration {
  readonly type: string;
  readonly handler: (...args: unknown[]) => Promise<unknown>;
  readonly [option: string]: unknown;
}
const registered = vi.hoisted(() => new Map<string, unknown>());
vi.mock('@azure/functions', () => {
  const register = (type: string) => (name: string, options: object) => registered.set(name, { type, ...options });
  return { app: { timer: register('timer'), storageQueue: register('storageQueue') } };
});
const { registerSweep } = await import('../../functions/sweep.ts');

let world: SweepWorld;
let sweep: SweepInstance;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.clear();
  sweep = world.newInstance([definePolicy({ name: 'agent', module: 'Agent', createModule: true, desired: { a: 1 } })]);
  registered.clear();
  registerSweep({
    settings: { sweep: { schedule: '0 */5 * * * *', minutes: 4, walkHours: 24, fullLookDays: 7 } },
    load: async () => ({
      loadSweep: async () => ({ sweeperFor: () => sweep.sweeper, workerFor: () => sweep.worker }),
    }),
  } as unknown as LazyApp);
});

const fire = (name: string, ...args: unknown[]) => (registered.get(name) as Registration).handler(...args);
/** Takes the next message from the sweep queue, in the form in which the trigger passes it to the function. */
const nextMessage = () => JSON.parse(JSON.stringify({ v: 1, ...sweep.messages.shift() })) as unknown;

describe('the functions of the sweep', () => {
  it('are triggered by the clock and by the queue', () => {
    expect(Object.fromEntries(registered)).toMatchObject({
      sweep: { type: 'timer', schedule: '0 */5 * * * *' },
      'sweep-work': { type: 'storageQueue', queueName: sweepQueueName, connection: 'AzureWebJobsStorage' },
    });
    expect(registered.get('sweep')).not.toHaveProperty('runOnStartup');
  });

  it('sweep by the clock, and repair from the queue what the sweep found', async () => {
    const deviceId = newDeviceId();
    world.add(deviceId);
    await fire('sweep', { isPastDue: false }, {});
    expect(await world.history(deviceId)).toEqual([]);
    await fire('sweep-work', nextMessage(), {});
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'created']]);
    expect(await sweep.store.list(5)).toMatchObject([{ trigger: 'timer', state: 'done', parts: 1, partsDone: 1 }]);
  });

  it('start a requested sweep from the queue', async () => {
    await fire('sweep-work', { v: 1, type: 'start' }, {});
    expect(await sweep.store.list(5)).toMatchObject([{ trigger: 'manual', state: 'done' }]);
  });

  it('fail on an unknown message, so that it moves to the poison queue', async () => {
    await expect(fire('sweep-work', { some: 'thing' }, {})).rejects.toThrow(sweepQueueName);
  });

  it('fail when storage fails, so that they are retried', async () => {
    sweep = world.newInstance([], {
      throughStore: (store) => ({ ...store, claim: () => Promise.reject(new Error('storage is down')) }),
    });
    await expect(fire('sweep', {}, {})).rejects.toThrow('storage is down');
    await expect(fire('sweep-work', { v: 1, type: 'start' }, {})).rejects.toThrow('storage is down');
  });
});
