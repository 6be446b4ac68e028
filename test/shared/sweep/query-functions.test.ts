import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Hub, QueryPage } from '../../../shared/hub/index.ts';
import { usesFunctions } from '../../../shared/sweep/query-functions.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const day = 24 * 3600_000;
const refusal: Answer<QueryPage> = {
  ok: false,
  problem: { type: 'refused', status: 400, message: '400 no such word' },
};
const memoOf = async (instance: { readonly store: { readMemo(name: string): Promise<unknown> } }) =>
  instance.store.readMemo('query functions');

/** Wraps a hub client. The hub refuses the functions of queries that are not documented for twins, and this object counts the refusals. */
function documentedHub() {
  const counts = { refusals: 0 };
  const throughHub = (hub: Hub) =>
    atQueries(hub, usesFunctions, () => {
      counts.refusals++;
      return refusal;
    });
  return { counts, throughHub };
}

describe('a hub that refuses functions of queries', () => {
  it('is swept with documented words from the next sweep on, and is asked again after a week', async () => {
    const clock = new MovableClock();
    const { counts, throughHub } = documentedHub();
    const instance = world.newInstance([agentPolicy], { throughHub, clock, walkHours: 24 });
    const [wrong, text, list, fine, missing] = Array.from({ length: 5 }, () => newDeviceId('words')) as [
      string,
      string,
      string,
      string,
      string,
    ];
    world.add(fine, { Agent: compliant });
    await instance.sweep();
    // The query of the policy, and the probe.
    expect(counts.refusals).toBe(2);

    world.add(wrong, { Agent: wrongMode });
    world.add(text, { Agent: { ...compliant, timeout: 'long' } });
    world.add(missing);
    world.add(list, { Agent: { ...compliant, mode: ['High'] } });
    clock.pass(day / 24);
    const row = await instance.sweep();
    expect(counts.refusals).toBe(2);
    expect(row).toMatchObject({ changed: 3, walked: [expect.stringMatching(/refuses some functions.*full read/)] });
    expect(await world.briefHistory(wrong)).toEqual([['wrongValue', 'mode', 'enforced']]);
    expect(await world.briefHistory(text)).toEqual([['wrongValue', 'timeout', 'enforced']]);
    expect(await world.briefHistory(missing)).toEqual([['missingModule', '', 'created']]);
    // The documented words cannot find a list in place of a text. The next walk does.
    expect(await world.briefHistory(list)).toEqual([]);
    clock.pass(day);
    expect(await instance.sweep()).toMatchObject({ changed: 1 });
    expect(await world.briefHistory(list)).toEqual([['wrongValue', 'mode', 'enforced']]);

    clock.pass(6 * day);
    await instance.sweep();
    expect(counts.refusals).toBe(4);
  });

  it('covers a scope of a device id pattern', async () => {
    const { counts, throughHub } = documentedHub();
    const scoped = { ...agentPolicy, appliesTo: { deviceId: 'inside-*' } };
    const instance = world.newInstance([scoped], { throughHub });
    await instance.sweep();
    const refusedBefore = counts.refusals;
    const [missing, broken, outside] = [newDeviceId('inside'), newDeviceId('inside'), newDeviceId('outer')];
    world.add(missing);
    world.add(broken, { Agent: wrongMode });
    world.add(outside, { Agent: wrongMode });
    expect(await instance.sweep()).toMatchObject({ changed: 2 });
    expect(counts.refusals).toBe(refusedBefore);
    expect(await world.briefHistory(missing)).toEqual([['missingModule', '', 'created']]);
    expect(await world.briefHistory(broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
    expect(await world.briefHistory(outside)).toEqual([]);
  });
});

describe('a hub that takes functions of queries', () => {
  it('shows it with the first query, and no probe is sent', async () => {
    world.add(newDeviceId('words'), { Agent: compliant });
    const sent: string[] = [];
    const throughHub = (hub: Hub) =>
      atQueries(hub, usesFunctions, (query) => {
        sent.push(query);
        return undefined;
      });
    const instance = world.newInstance([agentPolicy], { throughHub });
    await instance.sweep();
    expect(sent).toHaveLength(1);
    expect(await memoOf(instance)).toMatchObject({ text: expect.stringContaining('"taken"') });
  });

  it('is still asked with functions after it refused a query for another reason', async () => {
    world.add(newDeviceId('words'), { Agent: wrongMode });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.startsWith('SELECT deviceId, version FROM'),
        () => refusal,
      );
    const instance = world.newInstance([agentPolicy], { throughHub });
    expect(await instance.sweep()).toMatchObject({ changed: 1 });
    expect(await memoOf(instance)).toMatchObject({ text: expect.stringContaining('"taken"') });
  });

  it('is not judged by what another hub refused', async () => {
    const { counts, throughHub } = documentedHub();
    await world.newInstance([agentPolicy], { throughHub }).sweep();
    expect(counts.refusals).toBe(2);
    const renamed = (hub: Hub) =>
      new Proxy(hub, { get: (target, key) => (key === 'name' ? 'other' : Reflect.get(target, key)) });
    const instance = world.newInstance([agentPolicy], { throughHub: renamed });
    await instance.sweep();
    expect(await memoOf(instance)).toMatchObject({ text: expect.stringMatching(/other.*taken/) });
  });
});
