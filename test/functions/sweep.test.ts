import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../../functions/compose.ts';
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
let sweeping: SweepInstance;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.clear();
  sweeping = world.newInstance([
    definePolicy({ name: 'agent', module: 'Agent', createModule: true, desired: { a: 1 } }),
  ]);
  registered.clear();
  registerSweep({
    settings: { sweep: { schedule: '0 */5 * * * *', minutes: 4 } },
    sweeping: async () => ({ sweeperFor: () => sweeping.sweeper, workerFor: () => sweeping.worker }),
  } as unknown as App);
});

const fire = (name: string, ...args: unknown[]) => (registered.get(name) as Registration).handler(...args);
/** What the queue's trigger would hand over next. */
const nextMessage = () => JSON.parse(JSON.stringify({ v: 1, ...sweeping.messages.shift() })) as unknown;

describe('the functions of the sweep', () => {
  it('are woken by the clock and by the queue', () => {
    expect(Object.fromEntries(registered)).toMatchObject({
      sweep: { type: 'timer', schedule: '0 */5 * * * *' },
      'sweep-work': { type: 'storageQueue', queueName: sweepQueueName, connection: 'AzureWebJobsStorage' },
    });
    expect(registered.get('sweep')).not.toHaveProperty('runOnStartup');
  });

  it('sweep by the clock, and do over the queue what that found', async () => {
    const deviceId = newDeviceId();
    world.add(deviceId);
    await fire('sweep', { isPastDue: false }, {});
    expect(await world.history(deviceId)).toEqual([]);
    await fire('sweep-work', nextMessage(), {});
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'created']]);
    expect(await sweeping.store.list(5)).toMatchObject([{ trigger: 'timer', state: 'done', parts: 1, partsDone: 1 }]);
  });

  it('begin over the queue a sweep that was asked for', async () => {
    await fire('sweep-work', { v: 1, type: 'start' }, {});
    expect(await sweeping.store.list(5)).toMatchObject([{ trigger: 'manual', state: 'done' }]);
  });

  it('fail on what is no message of theirs, so that the queue puts it aside', async () => {
    await expect(fire('sweep-work', { some: 'thing' }, {})).rejects.toThrow(sweepQueueName);
  });

  it('fail where storage does, so that they are run again', async () => {
    sweeping = world.newInstance([], {
      throughStore: (store) => ({ ...store, claim: () => Promise.reject(new Error('storage is away')) }),
    });
    await expect(fire('sweep', {}, {})).rejects.toThrow('storage is away');
    await expect(fire('sweep-work', { v: 1, type: 'start' }, {})).rejects.toThrow('storage is away');
  });
});
