import { describe, expect, it } from 'vitest';
import { recreatedModulesGuard } from '../../../shared/guards/recreated-modules.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForMissingModule, workForModule } from '../../../shared/reconcile/index.ts';
import { StillClock } from '../../support/still-clock.ts';
import { brief, quiet } from '../../support/world.ts';
import { agent, newWorld, toQueueMessage } from './memory-world.ts';

const device = { deviceId: 'd' };
const module = { deviceId: 'd', moduleId: 'm' };

/** A device whose module was created by Twinkeeper. A deleted module is left alone for a minute. */
async function settledWorld() {
  const clock = new StillClock();
  let releasedAt: Date | undefined;
  const guard = recreatedModulesGuard({ store: { releasedAt: async () => releasedAt }, clock });
  const world = newWorld([agent], undefined, { clock, guard, settleTime: 60_000 });
  world.registry.create(device, {});
  await world.processor.process(world.newEvents());
  await world.processor.process(world.newEvents());
  const reads: string[] = [];
  const { readTwin } = world.hub;
  world.hub.readTwin = async (deviceId, moduleId) => {
    reads.push(moduleId);
    return readTwin(deviceId, moduleId);
  };
  const { journal, hub } = world;
  const policies = toPolicySet([agent], { mode: 'enforce' });
  const sweep = new Reconciler({ policies, hub, journal, log: quiet, clock, guard, settleTime: 60_000 });
  return {
    ...world,
    clock,
    reads,
    exists: () => world.registry.listModules('d').length > 0,
    process: () => world.processor.process(world.newEvents()),
    /** Delivers all deferred events, and the events that follow from them. */
    async retry() {
      for (const { deferral } of world.deferred.splice(0)) {
        await world.processor.retry(await toQueueMessage(deferral));
      }
      await world.processor.process(world.newEvents());
    },
    async work(finding: 'missing' | 'suspect') {
      const toWork = finding === 'missing' ? workForMissingModule : workForModule;
      const write = { version: 0, at: clock.now().toISOString(), exact: false };
      const [result] = await sweep.reconcile([toWork(policies, 'd', 'm', write)], 'sweep');
      return result;
    },
    release() {
      releasedAt = clock.now();
    },
    briefRows: async () => brief((await world.history('d')).slice(1)),
  };
}

describe('a deleted module', () => {
  it('is left alone for a minute, and is then looked at and created again', async () => {
    const { registry, clock, process, retry, deferred, exists, reads, briefRows } = await settledWorld();
    registry.delete(module, '*');
    clock.pass(10_000);
    await process();
    expect(exists()).toBe(false);
    expect(await briefRows()).toEqual([['missingModule', '', 'deferred']]);
    expect(deferred).toMatchObject([{ delay: 50, deferral: { attempt: 0 } }]);
    expect(reads).toEqual([]);
    clock.pass(50_000);
    await retry();
    expect(exists()).toBe(true);
    expect(reads).toEqual(['m']);
    expect(deferred).toEqual([]);
    expect(await briefRows()).toEqual([['missingModule', '', 'created']]);
  });

  it('is healed when somebody else creates it within the minute', async () => {
    const { registry, clock, process, retry, deferred, briefRows } = await settledWorld();
    registry.delete(module, '*');
    await process();
    clock.pass(5000);
    registry.create(module, {}, { desired: { mode: 'High', s: { x: true } } });
    await process();
    expect(await briefRows()).toEqual([['missingModule', '', 'healed']]);
    clock.pass(60_000);
    await retry();
    expect(await briefRows()).toEqual([['missingModule', '', 'healed']]);
    expect(deferred).toEqual([]);
  });

  it('is healed when the event of the creation comes after the minute', async () => {
    const { registry, clock, process, retry, briefRows } = await settledWorld();
    registry.delete(module, '*');
    await process();
    clock.pass(5000);
    registry.create(module, {}, { desired: { mode: 'High', s: { x: true } } });
    clock.pass(60_000);
    await retry();
    expect(await briefRows()).toEqual([['missingModule', '', 'healed']]);
  });

  it('settles from its deletion, also when the event is late', async () => {
    const { registry, clock, process, exists, deferred, briefRows } = await settledWorld();
    registry.delete(module, '*');
    clock.pass(61_000);
    await process();
    expect(exists()).toBe(true);
    expect(deferred).toEqual([]);
    expect(await briefRows()).toEqual([['missingModule', '', 'created']]);
  });

  it.each(['missing', 'suspect'] as const)('settles also for a sweep that finds it as %s', async (finding) => {
    const { registry, clock, process, work, exists, briefRows } = await settledWorld();
    registry.delete(module, '*');
    await process();
    clock.pass(20_000);
    expect(await work(finding)).toMatchObject({ retryAfter: 40, changed: 0 });
    clock.pass(40_000);
    expect(await work(finding)).toMatchObject({ changed: 1 });
    expect(exists()).toBe(true);
    expect(await briefRows()).toEqual([['missingModule', '', 'created']]);
  });

  it('settles from the read when a sweep finds the deletion first', async () => {
    const { registry, clock, process, work, briefRows } = await settledWorld();
    registry.delete(module, '*');
    expect(await work('suspect')).toMatchObject({ retryAfter: 60 });
    clock.pass(60_000);
    expect(await work('suspect')).toMatchObject({ changed: 1 });
    await process();
    expect(await briefRows()).toEqual([['missingModule', '', 'created']]);
  });

  it('is left alone for an hour after it was created five times within an hour', async () => {
    const { registry, clock, process, retry, release, work, exists, briefRows } = await settledWorld();
    const remove = async () => {
      registry.delete(module, '*');
      await process();
      clock.pass(60_000);
      await retry();
    };
    for (let time = 1; time <= 5; time++) {
      await remove();
      expect({ time, exists: exists() }).toEqual({ time, exists: true });
    }
    await remove();
    expect(exists()).toBe(false);
    expect((await briefRows()).map(([, , outcome]) => outcome)).toEqual([...Array(5).fill('created'), 'heldBack']);
    clock.pass(58 * 60_000);
    expect(await work('missing')).toMatchObject({ changed: 0 });
    clock.pass(2 * 60_000);
    expect(await work('missing')).toMatchObject({ changed: 1 });
    expect(exists()).toBe(true);

    for (let time = 1; time <= 5; time++) await remove();
    expect(exists()).toBe(false);
    release();
    clock.pass(1000);
    await work('missing');
    expect(exists()).toBe(true);
  });
});

describe('a new device', () => {
  it('gets its module at once', async () => {
    const { registry, process, hub } = await settledWorld();
    registry.create({ deviceId: 'new' }, {});
    await process();
    expect(await hub.readTwin('new', 'm')).toMatchObject({ ok: true });
  });
});
