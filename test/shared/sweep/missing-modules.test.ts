import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isOnboarding } from '../../../shared/drift/index.ts';
import { baselineOf, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { agentPolicy, compliant } from '../../support/agent-policy.ts';
import { atQueries, inPagesOf } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const sum = (calls: Readonly<Record<string, number>>) =>
  Object.values(calls).reduce((total, count) => total + count, 0);

describe('missing modules', () => {
  it('are created in bulk calls of a hundred', async () => {
    const devices = Array.from({ length: 230 }, () => newDeviceId('new'));
    for (const deviceId of devices) world.add(deviceId);
    const instance = world.newInstance([agentPolicy]);
    let row = {};
    const calls = await world.callsDuring(async () => {
      row = await instance.sweep();
    });
    expect(calls.bulk).toBe(3);
    expect(calls.twinRead ?? 0).toBe(0);
    expect(row).toMatchObject({
      examined: 230,
      found: 230,
      changed: 230,
      parts: 3,
      partsDone: 3,
      hubCalls: sum(calls),
    });
    for (const deviceId of [devices[0], devices[99], devices[229]]) {
      expect(await world.briefHistory(deviceId ?? '')).toEqual([['missingModule', '', 'created']]);
    }
    expect(await world.desiredOf(devices[0] ?? '', 'Agent')).toEqual(
      baselineOf(toPolicySet([agentPolicy], { mode: 'enforce' }).all[0] as never),
    );
    const again = await world.callsDuring(() => world.newInstance([agentPolicy]).run());
    expect(sum(again)).toBe(4);
  });

  it('are onboarding where the history knows nothing of the module, and departures where it does', async () => {
    const [bare, empty] = [newDeviceId('bare'), newDeviceId('empty')];
    world.add(bare);
    world.add(empty, { Agent: {} });
    await world.newInstance([agentPolicy]).sweep();
    expect((await world.history(bare)).map(isOnboarding)).toEqual([true]);
    expect((await world.history(empty)).map(({ kind, ...row }) => [kind, isOnboarding({ kind, ...row })])).toEqual([
      ['missingBaseline', true],
    ]);
    // No event reports the deletion.
    await world.operator.removeModule(bare, 'Agent');
    await world.newInstance([agentPolicy]).sweep();
    expect((await world.history(bare)).map(isOnboarding)).toEqual([true, false]);
  });

  it('are found among many present ones, over several pages', async () => {
    const there = Array.from({ length: 30 }, () => newDeviceId('there'));
    for (const deviceId of there) world.add(deviceId, { Agent: compliant, Other: {} });
    const missing = [newDeviceId('lacking'), newDeviceId('lacking')];
    for (const deviceId of missing) world.add(deviceId, { Other: {} });
    const instance = world.newInstance([agentPolicy], { throughHub: (hub) => inPagesOf(7, hub) });
    await instance.run();
    expect(instance.workItems().map(({ finding, devices }) => [finding, devices])).toEqual([['missing', missing]]);
  });

  it('are ignored for a policy that creates no modules', async () => {
    world.add(newDeviceId());
    const { createModule: _, moduleTags: __, ...withoutCreate } = agentPolicy;
    const row = await world.newInstance([withoutCreate]).sweep();
    expect(row).toMatchObject({ parts: 0, found: 0 });
  });
});

describe('a search that found no missing module', () => {
  it('is repeated only after a day, or after the counts changed', async () => {
    const scoped: PolicyDefinition = { ...agentPolicy, appliesTo: { tags: { plant: 1 } } };
    world.add(newDeviceId('known'), { Agent: compliant }, { tags: { plant: 1 } });
    world.add(newDeviceId('known'), {}, { tags: { plant: 2 } });
    const clock = new MovableClock();
    /** Runs a sweep. Returns whether the sweep searched for missing modules, and which devices it queued. */
    const sweep = async () => {
      let isSearch = false;
      const instance = world.newInstance([scoped], {
        clock,
        throughHub: (hub) =>
          atQueries(
            hub,
            (query) => /^SELECT \S+ FROM devices /.test(query),
            () => {
              isSearch = true;
              return undefined;
            },
          ),
      });
      await instance.run();
      const found = instance.workItems().flatMap(({ devices }) => devices);
      await instance.work();
      clock.pass(1000);
      return { isSearch, found };
    };
    const nothing = { isSearch: false, found: [] };
    const searched = { isSearch: true, found: [] };
    expect(await sweep()).toEqual(searched);
    expect(await sweep()).toEqual(nothing);
    clock.pass(23 * 3600_000);
    expect(await sweep()).toEqual(nothing);
    clock.pass(3600_000);
    expect(await sweep()).toEqual(searched);
    expect(await sweep()).toEqual(nothing);
    const late = newDeviceId('known');
    world.add(late, {}, { tags: { plant: 1 } });
    expect(await sweep()).toEqual({ isSearch: true, found: [late] });
    expect(await sweep()).toEqual(searched);
    expect(await sweep()).toEqual(nothing);
    expect(await world.briefHistory(late)).toEqual([['missingModule', '', 'created']]);
  });
});
