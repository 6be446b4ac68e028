import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepInstance, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const policy: PolicyDefinition = { name: 'agent', module: 'Agent', desired: { mode: exactly('High') } };
const warnings = ({ logged }: SweepInstance) =>
  logged.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('a sweep warns of a policy', () => {
  const noDevice = 'The scope of the policy agent holds no device of the hub. Check appliesTo of the policy.';

  it.each<[string, PolicyDefinition['appliesTo']]>([
    ['a pattern of device ids', { deviceId: 'plant-*' }],
    ['tags', { tags: { site: 'nowhere' } }],
    ['IoT Edge', { edge: true }],
  ])('whose scope holds no device: %s', async (_, appliesTo) => {
    world.add(newDeviceId('outside'), { Agent: { mode: 'High' } });
    const instance = world.newInstance([{ ...policy, ...(appliesTo === undefined ? {} : { appliesTo }) }]);
    expect((await instance.sweep()).warnings).toEqual([noDevice]);
    expect(warnings(instance)).toEqual([noDevice]);
  });

  it('in the row of each sweep, and in the log only once', async () => {
    world.add(newDeviceId('outside'));
    const scoped = { ...policy, appliesTo: { deviceId: 'plant-*' } };
    const [first, second] = [world.newInstance([scoped]), world.newInstance([scoped])];
    await first.sweep();
    expect((await second.sweep()).warnings).toEqual([noDevice]);
    expect([warnings(first), warnings(second)]).toEqual([[noDevice], []]);
  });

  it.each<[string, PolicyDefinition]>([
    ['whose scope holds a device', { ...policy, appliesTo: { deviceId: 'inside-*' } }],
    ['without a scope', policy],
  ])('but not of one %s', async (_, definition) => {
    if (definition.appliesTo !== undefined) world.add(newDeviceId('inside'));
    expect((await world.newInstance([definition]).sweep()).warnings).toEqual([]);
  });
});

describe('a module id that differs from the module of a policy only in case', () => {
  const similar =
    'The hub has modules with the id aGENT, and the policy agent is about Agent. Module ids are case-sensitive, so the policy does not ' +
    'cover these modules.';

  it('is pointed out in the row and in the log', async () => {
    world.add(newDeviceId('case'), { aGENT: {}, Other: {} });
    world.add(newDeviceId('case'), { aGENT: {}, Agent: { mode: 'High' } });
    const instance = world.newInstance([policy]);
    expect((await instance.sweep()).warnings).toEqual([similar]);
    expect(warnings(instance)).toEqual([similar]);
  });

  it('is looked for with one query a day, and again when the modules of the policies change', async () => {
    world.add(newDeviceId('case'), { aGENT: {}, OTHER: {} });
    const clock = new MovableClock();
    let queries = 0;
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('GROUP BY'),
        () => {
          queries++;
          return undefined;
        },
      );
    const sweep = (definition: PolicyDefinition) => world.newInstance([definition], { throughHub, clock }).sweep();
    for (let count = 0; count < 3; count++) expect((await sweep(policy)).warnings).toEqual([similar]);
    expect(queries).toBe(1);
    const [warning] = (await sweep({ ...policy, module: 'Other' })).warnings;
    expect(warning).toContain('OTHER');
    expect(queries).toBe(2);
    clock.pass(25 * 3600_000);
    await sweep({ ...policy, module: 'Other' });
    expect(queries).toBe(3);
  });

  it('does not stop the sweep of a hub that refuses the query', async () => {
    const deviceId = newDeviceId('case');
    world.add(deviceId, { Agent: { mode: 'Off' } });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('GROUP BY'),
        () => ({ ok: false, problem: { type: 'refused', status: 400, message: '400 no GROUP BY' } }),
      );
    const row = await world.newInstance([policy], { throughHub }).sweep();
    expect(row).toMatchObject({ state: 'done', changed: 1, warnings: [] });
  });
});
