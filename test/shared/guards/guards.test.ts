import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../shared/clock.ts';
import { type BlastRadius, competingSettings, createGuardStore, createGuards } from '../../../shared/guards/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { workForDevice } from '../../../shared/reconcile/index.ts';
import { newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const minute = 60_000;
const plenty: BlastRadius = { type: 'count', count: 1_000_000 };
let policies = 0;

/** Creates a device with a compliant module, and a reconciler with guards that use Azurite. `advance` moves the clock of the guards. */
async function guardedDevice(limit: BlastRadius = plenty) {
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
  const overridesConfigurations = () => false;
  const newGuards = () =>
    createGuards({ store, limit, overridesConfigurations, countDevices: async () => 10, clock, log: quiet });
  const twinkeeper = world.withPolicies([agent], { guard: newGuards() });

  const deviceId = newDeviceId('guarded');
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  return {
    agent,
    deviceId,
    store,
    twinkeeper,
    advance(milliseconds: number) {
      ahead += milliseconds;
    },
    /** Reserves another twin for the policy, whose limit is one twin an hour. Returns whether the reservation was granted. */
    fill: () => store.reserveTwin(agent.name, { deviceId: newDeviceId('other'), moduleId: 'Agent' }, 1),
    /** Writes desired properties as an operator does, and processes the events of the write. */
    async write(desired: Readonly<Record<string, unknown>>) {
      await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
      await twinkeeper.settle();
    },
    /** Reconciles the device as a sweep does, with the guards of a new instance of the app. */
    async sweep() {
      const { reconciler } = world.withPolicies([agent], { guard: newGuards() });
      const write = { version: 1, at: new Date().toISOString(), exact: false };
      return reconciler.reconcile([workForDevice(reconciler.policies, deviceId, write)], 'sweep');
    },
    desired: () => world.desiredOf(deviceId, 'Agent'),
    /** The path, the outcome and the guard of each history row. The name of the guard is the first word of the reason. */
    async rows() {
      const rows = (await world.history(deviceId)).filter(({ kind }) => kind !== 'missingModule');
      return rows.map(({ path, outcome, error }) => [path, outcome, error?.split(':')[0]] as const);
    },
  };
}

describe('the blast radius', () => {
  const allWrong = { a: 'wrong', b: 'wrong', c: 'wrong', d: null };
  const allRight = { a: 'right', b: 'right', c: 'right', d: 'right' };

  it('repairs all wrong values of a twin together, and counts one twin', async () => {
    const { write, rows, desired } = await guardedDevice({ type: 'count', count: 1 });
    await write(allWrong);
    expect((await rows()).toSorted()).toEqual([
      ['a', 'enforced', undefined],
      ['b', 'enforced', undefined],
      ['c', 'enforced', undefined],
      ['d', 'enforced', undefined],
    ]);
    expect(await desired()).toEqual(allRight);
  });

  it('leaves a twin as it is when the policy has no room for another twin, until a release', async () => {
    const { fill, write, sweep, rows, desired, store, agent } = await guardedDevice({ type: 'count', count: 1 });
    await fill();
    await write(allWrong);
    expect((await rows()).toSorted()).toEqual([
      ['a', 'heldBack', 'blastRadius'],
      ['b', 'heldBack', 'blastRadius'],
      ['c', 'heldBack', 'blastRadius'],
      ['d', 'heldBack', 'blastRadius'],
    ]);
    expect(await desired()).toEqual({ a: 'wrong', b: 'wrong', c: 'wrong' });

    await sweep();
    expect(await desired()).toEqual({ a: 'wrong', b: 'wrong', c: 'wrong' });
    await store.release(agent.name);
    await sweep();
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced', 'enforced', 'enforced']);
    expect(await desired()).toEqual(allRight);
  });

  it('adds a missing property to a twin without room, because nothing is overwritten', async () => {
    const { fill, write, rows } = await guardedDevice({ type: 'count', count: 1 });
    await fill();
    await write({ d: null });
    expect(await rows()).toEqual([['d', 'enforced', undefined]]);
  });

  it('repairs a twin again within the hour without counting the twin again', async () => {
    const { write, rows, fill } = await guardedDevice({ type: 'count', count: 1 });
    await write({ a: 'wrong' });
    await write({ b: 'wrong' });
    await write({ a: 'wrong again' });
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced', 'enforced']);
    expect(await fill()).toBe(false);
  });

  it('has room again after an hour', async () => {
    // The limit is 10 % of ten devices, so the policy may change one twin an hour.
    const { fill, write, sweep, rows, advance } = await guardedDevice({ type: 'share', share: 0.1 });
    await fill();
    await write({ a: 'wrong', b: 'wrong' });
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['heldBack', 'heldBack']);
    advance(59 * minute);
    await sweep();
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['heldBack', 'heldBack']);
    advance(2 * minute);
    await sweep();
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced']);
  });

  it('does not rewrite a row that stays held back', async () => {
    const { fill, write, sweep, deviceId } = await guardedDevice({ type: 'count', count: 1 });
    await fill();
    await write({ a: 'wrong', b: 'wrong' });
    const before = await world.history(deviceId);
    expect(before.map(({ outcome }) => outcome)).toContain('heldBack');
    await sweep();
    expect(await world.history(deviceId)).toEqual(before);
  });
});

describe('a contested property', () => {
  /** Creates a device whose property `a` was enforced five times and has a wrong value again. */
  async function contestedDevice() {
    const device = await guardedDevice();
    for (let time = 1; time <= 6; time++) await device.write({ a: `wrong ${time}` });
    return device;
  }
  const five = Array<readonly unknown[]>(5).fill(['a', 'enforced', undefined]);

  it('is left alone for an hour, while other properties are enforced', async () => {
    const { write, sweep, rows, desired, advance } = await contestedDevice();
    expect(await rows()).toEqual([...five, ['a', 'heldBack', 'contested']]);
    await write({ a: 'wrong 7', b: 'wrong' });
    expect((await rows()).slice(5).toSorted()).toEqual([
      ['a', 'heldBack', 'contested'],
      ['b', 'enforced', undefined],
    ]);
    advance(59 * minute);
    await sweep();
    expect(await desired()).toMatchObject({ a: 'wrong 7', b: 'right' });
    advance(2 * minute);
    await sweep();
    expect(await desired()).toMatchObject({ a: 'right' });
    expect((await rows()).filter(([, outcome]) => outcome === 'heldBack')).toEqual([]);
  });

  it('is enforced again after the policy is released', async () => {
    const { sweep, rows, store, agent, advance } = await contestedDevice();
    // The release of the policy must come after the last enforcement.
    advance(1);
    await store.release(agent.name);
    await sweep();
    expect(await rows()).toEqual([...five, ['a', 'enforced', undefined]]);
  });
});

describe('a competing configuration', () => {
  it('keeps its value where it applies, until it is removed', async () => {
    const { agent, store, write, sweep, rows, desired, advance } = await guardedDevice();
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
    advance(minute);
    await write({ a: 'theirs' });
    expect(await rows()).toEqual([['a', 'enforced', undefined]]);

    await store.putCompeting(
      competingSettings(set.all, [configuration("FROM devices.modules WHERE properties.desired.b = 'right'")]),
    );
    advance(minute);
    await write({ a: 'theirs', c: 'wrong' });
    expect((await rows()).slice(1).toSorted()).toEqual([
      ['a', 'heldBack', 'competingConfiguration'],
      ['c', 'enforced', undefined],
    ]);
    expect(await desired()).toMatchObject({ a: 'theirs', c: 'right' });

    await store.putCompeting(competingSettings(set.all, []));
    await sweep();
    expect(await desired()).toMatchObject({ a: 'right' });
    expect((await rows()).map(([, outcome]) => outcome)).toEqual(['enforced', 'enforced', 'enforced']);
  });

  it('does not use up the blast radius', async () => {
    const { agent, store, write, rows, advance, fill } = await guardedDevice({ type: 'count', count: 1 });
    const configuration = { id: 'rollout', targetCondition: '*', priority: 1, deviceContent: {} };
    const { all } = toPolicySet([agent], { mode: 'enforce' });
    await store.putCompeting(
      competingSettings(all, [{ ...configuration, moduleContent: { 'properties.desired.a': 'theirs' } }]),
    );
    advance(minute);
    await write({ a: 'theirs' });
    expect(await rows()).toEqual([['a', 'heldBack', 'competingConfiguration']]);
    expect(await fill()).toBe(true);
  });

  it('defers the device unchanged when storage does not answer', async () => {
    const { agent, deviceId, desired, write, store, advance } = await guardedDevice();
    const guard = createGuards({
      store: {
        ...store,
        competing: async () => {
          throw new Error('storage does not answer');
        },
      },
      limit: plenty,
      overridesConfigurations: () => false,
      countDevices: async () => 10,
      clock: { now: () => new Date(), sleep: async () => {} },
      log: quiet,
    });
    const { reconciler } = world.withPolicies([agent], { guard });
    await world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired: { a: 'wrong' } } }, '*');
    const lastWrite = { version: 1, at: new Date().toISOString(), exact: false };
    const results = await reconciler.reconcile([workForDevice(reconciler.policies, deviceId, lastWrite)], 'sweep');
    expect(results).toMatchObject([{ deviceId, deferred: 'storage does not answer' }]);
    expect(await desired()).toMatchObject({ a: 'wrong' });
    advance(minute);
    await write({ b: 'wrong' });
    expect(await desired()).toMatchObject({ a: 'right', b: 'right' });
  });
});
