import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { atQueries, inPagesOf } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepInstance, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('a sweep that reaches its deadline', () => {
  /** Returns a hub client with which the sweep's deadline passes after every `pages` pages of query results. */
  const slowHub = (clock: MovableClock, pages: number) => {
    let asked = 0;
    return (hub: Hub) =>
      atQueries(
        inPagesOf(3, hub),
        () => true,
        () => {
          if (++asked % pages === 0) clock.pass(10 * 60_000);
          return undefined;
        },
      );
  };

  it.each([2, 3, 5])('resumes from its checkpoint and gets the same result, with time for %d pages', async (pages) => {
    const devices = fleet();
    const clock = new MovableClock();
    const instance = world.newInstance([agentPolicy], { clock, throughHub: slowHub(clock, pages) });
    const end = await instance.run();
    expect(end).toMatchObject({ state: 'paused', delay: 0 });
    const id = 'id' in end ? end.id : '';
    expect(instance.messages.at(-1)).toEqual({ type: 'continue', sweepId: id });
    expect(await instance.store.get(id)).toMatchObject({ state: 'running' });
    // Before it has looked at all policies, nothing can be said about the fleet.
    expect(instance.fleetCounts).toEqual([]);
    await instance.work();
    const row = await instance.store.get(id);
    expect(row).toMatchObject({ state: 'done', found: 7, changed: 7 });
    expect(row?.resumed).toBeGreaterThanOrEqual(Math.floor(12 / pages));
    expect(row?.parts).toBe(row?.partsDone);
    await expectRepaired(devices);
    expect(await instance.store.list(10)).toHaveLength(1);
  });

  it('resumes a search from stored bytes, and reads no page twice', async () => {
    fleet();
    const clock = new MovableClock();
    const asked: string[] = [];
    const options = {
      clock,
      minutes: 0.5,
      throughHub: (hub: Hub) =>
        atQueries(
          inPagesOf(3, hub),
          (query) => query.startsWith('SELECT deviceId') && !query.includes('properties'),
          (query) => {
            asked.push(query);
            if (asked.length % 2 === 0) clock.pass(31_000);
            return undefined;
          },
        ),
    };
    const unlimited = world.newInstance([agentPolicy], { throughHub: (hub) => inPagesOf(3, hub) });
    const calls = (await unlimited.run().then(async () => (await unlimited.store.list(1))[0]))?.hubCalls ?? 0;
    await world.clear();
    fleet();
    let instance: SweepInstance = world.newInstance([agentPolicy], options);
    let end = await instance.run();
    for (let run = 0; run < 30 && end.state === 'paused'; run++) {
      // Create another instance of the app, which does not have the memory of the first one.
      instance = world.newInstance([agentPolicy], options);
      end = await instance.run();
    }
    expect(end.state).toBe('done');
    expect((await instance.store.list(1))[0]?.hubCalls).toBe(calls);
  });

  it('reads a page again after a crash if the modules of the page were not saved', async () => {
    const devices = fleet();
    const clock = new MovableClock();
    const modulePages = (query: string) =>
      query.startsWith('SELECT deviceId FROM devices.modules') && !query.includes('IS_');
    /** Returns a hub client that calls `act` at the nth page of results of the query for all modules. */
    const atPage = (n: number, act: () => undefined) => {
      let page = 0;
      return (hub: Hub) => atQueries(inPagesOf(2, hub), modulePages, () => (++page === n ? act() : undefined));
    };
    // The deadline passes while the run reads the second page. The run still handles that page, and saves the set of device ids with it.
    const first = world.newInstance([agentPolicy], {
      clock,
      minutes: 0.5,
      throughHub: atPage(2, () => void clock.pass(31_000)),
    });
    expect(await first.run()).toMatchObject({ state: 'paused' });
    const dies = atPage(4, () => {
      throw new Error('killed');
    });
    await expect(world.newInstance([agentPolicy], { clock, throughHub: dies }).run()).rejects.toThrow('killed');
    clock.pass(200_000);
    const last = world.newInstance([agentPolicy], { clock, throughHub: (hub) => inPagesOf(2, hub) });
    expect(await last.run()).toMatchObject({ state: 'done' });
    const missing = last.workItems().filter(({ finding }) => finding === 'missing');
    expect(missing.flatMap((item) => item.devices)).toEqual(devices.filter((_, index) => index % 4 === 3));
  });

  /** Adds sixteen devices to the hub. Three modules break the policy, and four devices have no module. */
  function fleet() {
    const devices = Array.from({ length: 16 }, () => newDeviceId('fleet'));
    for (const [index, deviceId] of devices.entries()) {
      const modules = index % 4 === 3 ? {} : { Agent: index % 5 === 0 ? wrongMode : compliant };
      world.add(deviceId, modules);
    }
    return devices;
  }

  async function expectRepaired(devices: readonly string[]) {
    for (const [index, deviceId] of devices.entries()) {
      const rows = await world.briefHistory(deviceId);
      if (index % 4 === 3) expect(rows).toEqual([['missingModule', '', 'created']]);
      else expect(rows).toEqual(index % 5 === 0 ? [['wrongValue', 'mode', 'enforced']] : []);
    }
  }
});
