import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHistory, createRunningPasses, type Journal } from '../../../shared/drift/index.ts';
import { between, exactly, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForModule } from '../../../shared/reconcile/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId, quiet } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const policy: PolicyDefinition = {
  name: 'agent',
  module: 'Agent',
  mode: 'audit',
  desired: { mode: exactly('High'), rate: exactly(5) },
};
const other: PolicyDefinition = { name: 'other', module: 'Other', mode: 'audit', desired: { a: 1 } };

/** A guard that holds every repair back. */
const holding = {
  review: async ({ departures }: { departures: readonly never[] }) =>
    new Map(departures.map((departure) => [departure, 'not now'])),
};

/**
 * Adds a device with an open row of the policy `first`, and then runs a sweep with the policies `next`. Returns the outcomes of the
 * device's rows, and the row of the sweep.
 */
async function sweepAfterChange(
  next: readonly PolicyDefinition[],
  {
    first = policy,
    tags = {},
  }: { readonly first?: PolicyDefinition; readonly tags?: { readonly plant?: string } } = {},
) {
  const deviceId = newDeviceId('left');
  world.add(deviceId, { Agent: { mode: 'Off', rate: 5 } }, { tags });
  await world.newInstance([first], { guard: holding as never }).sweep();
  expect(await world.briefOpen(deviceId)).toHaveLength(1);
  let row = {};
  const calls = await world.callsDuring(async () => {
    row = await world.newInstance(next).sweep();
  });
  return { deviceId, outcomes: await world.briefHistory(deviceId), row, calls };
}

const retired = [['wrongValue', 'mode', 'retired']];

describe('the next sweep retires an open row', () => {
  it('of a removed policy, without another policy about the module', async () => {
    const { deviceId, outcomes, calls } = await sweepAfterChange([other]);
    expect(outcomes).toEqual(retired);
    expect(await world.briefOpen(deviceId)).toEqual([]);
    const { rows } = await createHistory(world.storage, () => new Date()).open({}, 10);
    expect(rows).toEqual([]);
    expect(calls).not.toHaveProperty('twinRead');
  });

  it('of a removed policy, when no policy is left at all', async () => {
    expect((await sweepAfterChange([])).outcomes).toEqual(retired);
  });

  it('of a removed policy, beside another policy about the module', async () => {
    const rate = { ...policy, name: 'rate', desired: { rate: exactly(5) } };
    expect((await sweepAfterChange([rate])).outcomes).toEqual(retired);
  });

  it('of a removed policy that enforced, and whose repair a guard held back', async () => {
    expect((await sweepAfterChange([other], { first: { ...policy, mode: 'enforce' } })).outcomes).toEqual(retired);
  });

  it.each<[string, PolicyDefinition]>([
    ['whose rule was taken out', { ...policy, desired: { rate: exactly(5) } }],
    [
      'whose rule now allows the value',
      { ...policy, desired: { mode: exactly('Off'), rate: between(1, 9, { otherwise: 5 }) } },
    ],
    ['whose policy is about another module now', { ...policy, module: 'Other' }],
    ['whose policy has a scope of other device ids now', { ...policy, appliesTo: { deviceId: 'plant-*' } }],
    ['whose policy has a scope of other tags now', { ...policy, appliesTo: { tags: { plant: 'north' } } }],
    ['whose policy has a scope of IoT Edge devices now', { ...policy, appliesTo: { edge: true } }],
  ])('%s', async (_, next) => {
    expect((await sweepAfterChange([next])).outcomes).toEqual(retired);
  });

  it('of a device whose tags left the scope of the policy', async () => {
    const scoped: PolicyDefinition = { ...policy, appliesTo: { tags: { plant: 'north' } } };
    const deviceId = newDeviceId('moved');
    world.add(deviceId, { Agent: { mode: 'Off', rate: 5 } }, { tags: { plant: 'north' } });
    await world.newInstance([scoped]).sweep();
    await world.operator.updateTwin(deviceId, { tags: { plant: 'south' } }, '*');
    await world.newInstance([scoped]).sweep();
    expect(await world.briefHistory(deviceId)).toEqual(retired);
  });

  it('about a missing module that the policy no longer creates', async () => {
    const creating: PolicyDefinition = { ...policy, createModule: true };
    const deviceId = newDeviceId('missing');
    world.add(deviceId);
    await world.newInstance([creating]).sweep();
    expect(await world.briefOpen(deviceId)).toEqual([['missingModule', '', 'audited']]);
    await world.newInstance([policy]).sweep();
    expect(await world.briefHistory(deviceId)).toEqual([['missingModule', '', 'retired']]);
  });
});

describe('an open row', () => {
  it('of a value that somebody set right stays healed when its policy is in force', async () => {
    const deviceId = newDeviceId('right');
    world.add(deviceId, { Agent: { mode: 'Off', rate: 5 } });
    const enforcing: PolicyDefinition = { ...policy, mode: 'enforce' };
    await world.newInstance([enforcing], { guard: holding as never }).sweep();
    await world.patchAgent(deviceId, { mode: 'High' });
    await world.newInstance([enforcing]).sweep();
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'healed']]);
  });

  it('is opened again when its policy comes back', async () => {
    const { deviceId } = await sweepAfterChange([other]);
    await world.newInstance([policy]).sweep();
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'audited']]);
    expect(await world.briefOpen(deviceId)).toHaveLength(1);
  });

  it('of a removed policy costs no hub call on a fleet with many such rows', async () => {
    for (let count = 0; count < 130; count++) world.add(newDeviceId('many'), { Agent: { mode: 'Off', rate: 5 } });
    await world.newInstance([policy]).sweep();
    const calls = await world.callsDuring(() => world.newInstance([other]).sweep());
    expect(Object.values(calls).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(5);
    const { rows } = await createHistory(world.storage, () => new Date()).open({}, 10);
    expect(rows).toEqual([]);
  });
});

describe('the rows of a process that was killed after it stored them as `pending`', () => {
  /** Runs a pass over a device with several wrong values, and kills the pass after its first write to the journal. */
  async function killedPass(deviceId: string) {
    world.add(deviceId, { Agent: { mode: 'Off', rate: 7 } });
    const enforcing = toPolicySet([{ ...policy, mode: 'enforce' }], { mode: 'enforce' });
    const killed = new Promise<never>(() => {});
    let wrote = () => {};
    const isStored = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    const journal: Journal = {
      ...world.journal,
      async write(...args) {
        await world.journal.write(...args);
        wrote();
        return killed;
      },
    };
    const runningPasses = createRunningPasses(world.storage, () => new Date());
    const reconciler = new Reconciler({
      policies: enforcing,
      hub: world.hubClient,
      journal,
      log: quiet,
      runningPasses,
    });
    const write = { version: 0, at: new Date().toISOString(), exact: false };
    void reconciler.reconcile([workForModule(enforcing, deviceId, 'Agent', write)], 'event');
    await isStored;
    expect((await world.briefOpen(deviceId)).toSorted()).toEqual([
      ['wrongValue', 'mode', 'pending'],
      ['wrongValue', 'rate', 'pending'],
    ]);
  }

  it.each([
    ['policy', [other]],
    ['rule', [{ ...policy, desired: { rate: exactly(7) } }, other]],
  ] as const)('are retired by a sweep of the next version, whose %s was taken out', async (_, next) => {
    const deviceId = newDeviceId('killed');
    await killedPass(deviceId);
    const clock = new MovableClock();
    clock.pass(16 * 60_000);
    await world.newInstance(next, { clock }).sweep();
    expect((await world.history(deviceId)).map(({ outcome }) => outcome)).toEqual(['retired', 'retired']);
    expect(await world.briefOpen(deviceId)).toEqual([]);
    const later = world.newInstance(next, { clock });
    await later.run();
    expect(later.workItems().filter(({ finding }) => finding === 'retired')).toEqual([]);
  });

  it('are left alone while the process may still be running', async () => {
    const deviceId = newDeviceId('running');
    await killedPass(deviceId);
    await world.newInstance([other]).sweep();
    expect(await world.briefOpen(deviceId)).toHaveLength(2);
  });
});
