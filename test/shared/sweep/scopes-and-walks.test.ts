import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { definePolicy, exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { inPagesOf } from '../../support/disturbed-hub.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('the scope of a policy', () => {
  const scopes: readonly [string, PolicyDefinition['appliesTo']][] = [
    ['tags', { tags: { plant: { floor: 2 } } }],
    ['edge devices', { edge: true }],
    ['a device id pattern', { deviceId: 'inside-*' }],
    ['a pattern that a query cannot express', { deviceId: 'in*d*-*' }],
    ['a function', ({ tags, edge }) => edge && tags.seen !== 'no'],
    ['a pattern, tags and edge devices', { deviceId: 'inside*', edge: true, tags: { plant: { floor: 2 } } }],
  ];

  it.each(scopes)('limits the sweep to its devices: %s', async (_, appliesTo) => {
    const inside = { tags: { plant: { floor: 2, hall: 'A' } }, edge: true };
    const outside = { tags: { plant: { floor: 3 }, seen: 'no' }, edge: false };
    const ids = {
      missing: newDeviceId('inside'),
      broken: newDeviceId('inside'),
      fine: newDeviceId('inside'),
      strange: newDeviceId('outer'),
      wrong: newDeviceId('outer'),
    };
    world.add(ids.missing, {}, inside);
    world.add(ids.broken, { Agent: wrongMode }, inside);
    world.add(ids.fine, { Agent: compliant }, inside);
    world.add(ids.strange, {}, outside);
    world.add(ids.wrong, { Agent: wrongMode }, outside);
    const scoped = { ...agentPolicy, ...(appliesTo === undefined ? {} : { appliesTo }) };
    const row = await world.newInstance([scoped]).sweep();

    expect(row).toMatchObject({ found: 2, changed: 2 });
    expect(await world.briefHistory(ids.missing)).toEqual([['missingModule', '', 'created']]);
    expect(await world.briefHistory(ids.broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
    for (const deviceId of [ids.fine, ids.strange, ids.wrong]) expect(await world.briefHistory(deviceId)).toEqual([]);
    expect(world.modulesOf(ids.strange)).toEqual([]);

    // A second sweep reuses the search result while the counts are the same. If the scope is a function, the second sweep searches again.
    await world.newInstance([scoped]).sweep();
    const calls = await world.callsDuring(() => world.newInstance([scoped]).run());
    expect(calls.query).toBeLessThanOrEqual(typeof appliesTo === 'function' ? 5 : 4);
  });
});

describe('the devices of all policies', () => {
  const inHall = (name: string, hall: string) => ({
    ...agentPolicy,
    name,
    module: name,
    appliesTo: { tags: { hall } },
  });

  it('are counted once each by one query, when the policies apply to different devices', async () => {
    for (const hall of ['A', 'A', 'B', 'C']) world.add(newDeviceId(hall), {}, { tags: { hall, side: 'west' } });
    world.add(newDeviceId('A-and-west'), {}, { tags: { hall: 'D', side: 'west' } });
    const west = { ...agentPolicy, name: 'west', module: 'west', appliesTo: { tags: { hall: ['A', 'D'] } } };
    const instance = world.newInstance([inHall('a', 'A'), inHall('b', 'B'), west]);
    await instance.sweep();
    expect(Object.fromEntries(instance.deviceCounts)).toEqual({ a: 2, b: 1, west: 3 });
    expect(instance.fleetCounts).toEqual([4]);
    // No query can test a function. A policy for the whole hub makes the number exact again.
    const custom = { ...agentPolicy, name: 'custom', module: 'custom', appliesTo: () => false };
    const bound = world.newInstance([inHall('a', 'A'), custom]);
    await bound.sweep();
    const exact = world.newInstance([custom, { ...agentPolicy, name: 'whole', module: 'whole' }]);
    await exact.sweep();
    expect([...bound.fleetCounts, ...exact.fleetCounts]).toEqual([-5, 5]);
  });
});

describe('a policy that queries cannot express', () => {
  const custom = definePolicy({
    name: 'custom',
    module: 'Agent',
    evaluate: ({ desired: { properties } }) =>
      properties.polling === true && properties.interval === undefined ? [{ path: 'interval', expected: 100 }] : [],
  });
  const objects = definePolicy({ name: 'objects', module: 'Agent', desired: { list: exactly([1, { a: 2 }]) } });

  it('is walked once, and the row gives the reason once', async () => {
    const [custom1, object1, fine] = [newDeviceId('walk'), newDeviceId('walk'), newDeviceId('walk')];
    const list = [1, { a: 2 }];
    world.add(custom1, { Agent: { list, polling: true } });
    world.add(object1, { Agent: { list: [1, { a: 3 }] } });
    world.add(fine, { Agent: { list } });
    const instance = world.newInstance([custom, objects], { throughHub: (hub) => inPagesOf(2, hub) });
    const row = await instance.sweep();
    expect(row.walked).toEqual([expect.stringContaining('custom'), expect.stringContaining('objects')]);
    expect(instance.logged.filter(({ message }) => message.includes('walks all twins'))).toHaveLength(2);
    expect(await world.briefHistory(custom1)).toEqual([['custom', 'interval', 'enforced']]);
    expect(await world.briefHistory(object1)).toEqual([['wrongValue', 'list', 'enforced']]);
    expect(await world.briefHistory(fine)).toEqual([]);
    expect(row).toMatchObject({ found: 2, changed: 2 });
    expect(await world.newInstance([custom, objects]).sweep()).toMatchObject({ parts: 0, examined: 6 });
  });

  it('records an error where its function throws, and the other policies go on', async () => {
    const deviceId = newDeviceId('walk');
    world.add(deviceId, { Agent: wrongMode });
    const broken = definePolicy({
      name: 'thrower',
      module: 'Agent',
      evaluate: () => {
        throw new Error('no');
      },
    });
    await world.newInstance([broken, agentPolicy]).sweep();
    expect((await world.briefHistory(deviceId)).toSorted()).toEqual([
      ['policyError', '', 'failed'],
      ['wrongValue', 'mode', 'enforced'],
    ]);
  });
});
