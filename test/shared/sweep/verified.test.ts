/** Tests what a sweep says it has verified. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Hub, QueryPage } from '../../../shared/hub/index.ts';
import { definePolicy, policyHash } from '../../../shared/policy/index.ts';
import { withLook, withoutFailed, withVersion } from '../../../shared/sweep/store/index.ts';
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

const hour = 3600_000;
const custom = definePolicy({ name: 'custom', module: 'Agent', createModule: false, evaluate: () => [] });
const refusal: Answer<QueryPage> = { ok: false, problem: { type: 'refused', status: 400, message: '400 no' } };

describe('what a sweep has verified', () => {
  it('is by a query and a count on a compliant hub, at the start of the sweep', async () => {
    world.add(newDeviceId('fine'), { Agent: compliant });
    const row = await world.newInstance([agentPolicy]).sweep();
    const at = row.startedAt;
    const version = policyHash({ definition: agentPolicy });
    expect(row.verified).toEqual({ agent: { version, values: { how: 'query', at }, modules: { how: 'count', at } } });
  });

  it('is by a read where a module is missing, and where the hub refuses the query', async () => {
    world.add(newDeviceId('without'), {});
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('IS_STRING'),
        () => refusal,
      );
    const row = await world.newInstance([agentPolicy], { throughHub }).sweep();
    const at = row.startedAt;
    expect(row.verified?.agent?.modules).toEqual({ how: 'read', at });
    expect(row.verified?.agent?.values?.how).toBe('read');
  });

  it('is nothing where the hub refuses all queries of a policy', async () => {
    world.add(newDeviceId('refused'), { Agent: compliant });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('devices.modules'),
        () => refusal,
      );
    const row = await world.newInstance([agentPolicy], { throughHub }).sweep();
    expect(row).toMatchObject({ state: 'done' });
    expect(row.verified?.agent?.values).toBeUndefined();
  });

  it('is as old as the last walk that has ended, while the next one is under way', async () => {
    for (let count = 0; count < 6; count++) world.add(newDeviceId('walk'), { Agent: {} });
    const clock = new MovableClock();
    const instance = world.newInstance([custom], { throughHub: (hub) => inPagesOf(2, hub), clock, walkHours: 24 });
    const times: (string | undefined)[] = [];
    const started: string[] = [];
    for (let sweeps = 0; sweeps < 11; sweeps++) {
      const row = await instance.sweep();
      started.push(row.startedAt);
      times.push(row.verified?.custom?.values?.at);
      clock.pass(3 * hour);
    }
    const first = times.findIndex((time) => time !== undefined);
    expect(first).toBeGreaterThan(2);
    // The walk began with the first sweep, and the second walk has not ended.
    expect(new Set(times.slice(first)).size).toBe(1);
    expect(Date.parse(String(times[first])) - Date.parse(String(started[0]))).toBeLessThan(60_000);
  });
});

describe('a policy whose scope is tags', () => {
  const tagged = definePolicy({ ...agentPolicy, name: 'tagged', appliesTo: { tags: { site: 'a' } } });

  it('has its modules verified by the last search, not by a later sweep that only finds the same counts', async () => {
    world.add(newDeviceId('inside'), { Agent: compliant }, { tags: { site: 'a' } });
    world.add(newDeviceId('outside'), {}, { tags: { site: 'b' } });
    const clock = new MovableClock();
    const instance = world.newInstance([tagged], { clock });
    const first = await instance.sweep();
    expect(first.verified?.tagged?.modules).toEqual({ how: 'read', at: first.startedAt });
    clock.pass(hour);
    expect((await instance.sweep()).verified?.tagged?.modules).toEqual({ how: 'read', at: first.startedAt });
  });
});

describe('several looks at one policy', () => {
  const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'] as const;
  const at = (time: string) => ({ how: 'query', at: time }) as const;

  it('tell the oldest, and nothing when one of them failed', () => {
    const both = withLook(withLook({}, 'a', 'values', at(late)), 'a', 'values', at(early));
    expect(withoutFailed(withLook(both, 'a', 'values', at(late)))).toEqual({ a: { values: at(early) } });
    const failed = withLook(both, 'a', 'values', undefined);
    expect(withoutFailed(withLook(failed, 'a', 'values', at(late)))).toEqual({ a: {} });
  });

  it('no longer count when another version of the policy is looked at', () => {
    const first = withLook(withVersion({}, 'a', 'v1'), 'a', 'values', at(early));
    expect(withVersion(first, 'a', 'v1')).toBe(first);
    expect(withVersion(first, 'a', 'v2')).toEqual({ a: { version: 'v2' } });
  });
});
