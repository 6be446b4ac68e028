import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import {
  competingSettings,
  createGuardStore,
  createGuards,
  type OverwriteLimit,
} from '../../../shared/guards/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { workForDevice } from '../../../shared/reconcile/index.ts';
import { newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const minute = 60_000;
const plenty: OverwriteLimit = { type: 'count', count: 1_000_000 };
let policies = 0;

/** Guards over real storage, by a clock that runs ahead of the machine's as far as it is moved. */
async function guarded(limit: OverwriteLimit = plenty) {
  let ahead = 0;
  const clock: Clock = {
    now: () => new Date(Date.now() + ahead),
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  };
  const agent = definePolicy({
    name: `agent-${++policies}`,
    module: 'Agent',
    createModule: true,
    desired: { a: 'right', b: 'right', c: 'right', d: 'right' },
  });
  const store = createGuardStore(world.storage, { clock });
  const newGuards = () => createGuards({ store, limit, countDevices: async () => 10, clock, log: quiet });
  const twinkeeper = world.withPolicies([agent], { guard: newGuards() });

  const deviceId = newDeviceId('guarded');
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  return {
    agent,
    deviceId,
    store,
    twinkeeper,
    pass(milliseconds: number) {
      ahead += milliseconds;
    },
    /** Somebody writes, and the app hears of it. */
    async write(desired: Readonly<Record<string, unknown>>) {
      await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
      await twinkeeper.settle();
    },
    /** As a sweep would, with the guards of an instance that has just started. */
    async look() {
      const { reconciler } = world.withPolicies([agent], { guard: newGuards() });
      const since = { version: 1, at: new Date().toISOString(), exact: false };
      return reconciler.reconcile([workForDevice(reconciler.policies, deviceId, since)], 'sweep');
    },
    desired: () => world.desiredOf(deviceId, 'Agent'),
    /** Path, outcome and the word that the reason begins with. */
    async rows() {
      const rows = (await world.history(deviceId)).filter(({ kind }) => kind !== 'missingModule');
      return rows.map(({ path, outcome, error }) => [path, outcome, error?.split(':')[0]] as const);
    },
  };
}

describe('the limit on overwriting', () => {
  it('lets through what there is room for, and the rest after a release', async () => {
    const { write, look, rows, desired, store, agent } = await guarded({ type: 'count', count: 2 });
    await write({ a: 'wrong', b: 'wrong', c: 'wrong', d: null });
    expect((await rows()).toSorted()).toEqual([
      ['a', 'enforced', undefined],
      ['b', 'enforced', undefined],
      ['c', 'heldBack', 'blastRadius'],
      ['d', 'enforced', undefined],
    ]);
    expect(await desired()).toEqual({ a: 'right', b: 'right', c: 'wrong', d: 'right' });

    await look();
    expect(await desired()).toMatchObject({ c: 'wrong' });
    await store.release(agent.name);
    await look();
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced', 'enforced', 'enforced']);
    expect(await desired()).toEqual({ a: 'right', b: 'right', c: 'right', d: 'right' });
  });

  it('has room again after an hour', async () => {
    // A tenth of ten devices.
    const { write, look, rows, pass } = await guarded({ type: 'share', share: 0.1 });
    await write({ a: 'wrong', b: 'wrong' });
    expect((await rows()).map(([, outcome]) => outcome).toSorted()).toEqual(['enforced', 'heldBack']);
    pass(59 * minute);
    await look();
    expect((await rows()).map(([, outcome]) => outcome).toSorted()).toEqual(['enforced', 'heldBack']);
    pass(2 * minute);
    await look();
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced']);
  });

  it('rewrites no row that it goes on holding back', async () => {
    const { write, look, deviceId } = await guarded({ type: 'count', count: 1 });
    await write({ a: 'wrong', b: 'wrong' });
    const before = await world.history(deviceId);
    await look();
    expect(await world.history(deviceId)).toEqual(before);
  });
});

describe('somebody who keeps changing a property back', () => {
  /** Five times wrong, five times set back, and wrong once more. */
  async function fight() {
    const parts = await guarded();
    for (let time = 1; time <= 6; time++) await parts.write({ a: `wrong ${time}` });
    return parts;
  }
  const five = Array<readonly unknown[]>(5).fill(['a', 'enforced', undefined]);

  it('is given way to for an hour, whatever they write meanwhile, while all else is kept', async () => {
    const { write, look, rows, desired, pass } = await fight();
    expect(await rows()).toEqual([...five, ['a', 'heldBack', 'contested']]);
    await write({ a: 'wrong 7', b: 'wrong' });
    expect((await rows()).slice(5).toSorted()).toEqual([
      ['a', 'healed', undefined],
      ['a', 'heldBack', 'contested'],
      ['b', 'enforced', undefined],
    ]);
    pass(59 * minute);
    await look();
    expect(await desired()).toMatchObject({ a: 'wrong 7', b: 'right' });
    pass(2 * minute);
    await look();
    expect(await desired()).toMatchObject({ a: 'right' });
    expect((await rows()).filter(([, outcome]) => outcome === 'heldBack')).toEqual([]);
  });

  it('is given way to no longer once the policy is released', async () => {
    const { look, rows, store, agent, pass } = await fight();
    // The release is a moment later than the fight.
    pass(1);
    await store.release(agent.name);
    await look();
    expect(await rows()).toEqual([...five, ['a', 'enforced', undefined]]);
  });
});

describe('an automatic configuration that competes', () => {
  it('is left its way where it applies, until it is gone', async () => {
    const { agent, store, write, look, rows, desired, pass } = await guarded();
    const set = toPolicySet([agent], { mode: 'enforce' });
    const configuration = (targetCondition: string) => ({
      id: 'rollout',
      targetCondition,
      priority: 1,
      deviceContent: {},
      moduleContent: { 'properties.desired.a': 'theirs' },
    });
    await store.putCompeting(
      competingSettings(set.all, [configuration("FROM devices.modules WHERE properties.desired.b = 'beta'")]),
    );
    pass(minute);
    await write({ a: 'theirs' });
    expect(await rows()).toEqual([['a', 'enforced', undefined]]);

    await store.putCompeting(
      competingSettings(set.all, [configuration("FROM devices.modules WHERE properties.desired.b = 'right'")]),
    );
    pass(minute);
    await write({ a: 'theirs', c: 'wrong' });
    expect((await rows()).slice(1).toSorted()).toEqual([
      ['a', 'heldBack', 'competingConfiguration'],
      ['c', 'enforced', undefined],
    ]);
    expect(await desired()).toMatchObject({ a: 'theirs', c: 'right' });

    await store.putCompeting(competingSettings(set.all, []));
    await look();
    expect(await desired()).toMatchObject({ a: 'right' });
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced', 'enforced']);
  });

  it('uses up nothing of what may be overwritten', async () => {
    const { agent, store, write, rows, pass } = await guarded({ type: 'count', count: 1 });
    const configuration = { id: 'rollout', targetCondition: '*', priority: 1, deviceContent: {} };
    const { all } = toPolicySet([agent], { mode: 'enforce' });
    await store.putCompeting(
      competingSettings(all, [{ ...configuration, moduleContent: { 'properties.desired.a': 'theirs' } }]),
    );
    pass(minute);
    await write({ a: 'theirs', b: 'wrong' });
    expect((await rows()).toSorted()).toEqual([
      ['a', 'heldBack', 'competingConfiguration'],
      ['b', 'enforced', undefined],
    ]);
  });

  it('and storage that does not say puts the device off, with nothing changed', async () => {
    const { agent, deviceId, desired, write, store, pass } = await guarded();
    const guard = createGuards({
      store: {
        ...store,
        competing: async () => {
          throw new Error('storage does not answer');
        },
      },
      limit: plenty,
      countDevices: async () => 10,
      clock: { now: () => new Date(), sleep: async () => {} },
      log: quiet,
    });
    const { reconciler } = world.withPolicies([agent], { guard });
    await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired: { a: 'wrong' } } }, '*');
    const since = { version: 1, at: new Date().toISOString(), exact: false };
    const results = await reconciler.reconcile([workForDevice(reconciler.policies, deviceId, since)], 'sweep');
    expect(results).toMatchObject([{ deviceId, deferred: 'storage does not answer' }]);
    expect(await desired()).toMatchObject({ a: 'wrong' });
    pass(minute);
    await write({ b: 'wrong' });
    expect(await desired()).toMatchObject({ a: 'right', b: 'right' });
  });
});
