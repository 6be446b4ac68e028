import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { type ForecastProgress, forecast } from '../../../shared/forecast/index.ts';
import { connectToHub } from '../../../shared/hub/index.ts';
import { type AppliesTo, byDefault, toPolicySet } from '../../../shared/policy/index.ts';
import { budget, type ForecastWorld, newModule, range, startForecastWorld, unlimited } from './forecast-world.ts';

let world: ForecastWorld;
beforeAll(async () => {
  world = await startForecastWorld();
});
afterAll(() => world.close());

describe('a forecast', () => {
  it('counts modules to create and properties to change, and changes nothing', async () => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1, b: { c: 'x' }, d: byDefault(true) } });
    await world.addDevices(module, 7);
    await world.addModules(module, [1, 2], { a: 1, b: { c: 'x' }, d: false });
    await world.addModules(module, [3, 4], { a: 2, b: { c: 'x' }, d: false });
    await world.addModules(module, [5], { a: 3, b: 'odd', d: false });
    const before = await world.twinsOf(module);

    const { policies, somethingToDo } = await world.predict([policy]);
    expect(somethingToDo).toBe(true);
    expect(policies).toMatchObject([
      {
        policy: policy.name,
        module,
        mode: 'enforce',
        devices: 7,
        compliant: 2,
        modulesToCreate: 2,
        propertiesToChange: 4,
        changes: [
          {
            path: 'a',
            count: 3,
            values: [
              { from: 2, to: 1, count: 2 },
              { from: 3, to: 1, count: 1 },
            ],
            others: 0,
          },
          { path: 'b.c', count: 1, values: [{ to: 'x', count: 1 }] },
        ],
        recorded: [],
      },
    ]);
    const examples = policies[0]?.examples ?? [];
    expect(examples).toHaveLength(5);
    expect(examples).toContainEqual({
      deviceId: `${module}-5`,
      moduleId: module,
      fate: 'change',
      path: 'a',
      from: 3,
      to: 1,
      more: 1,
    });
    expect(examples).toContainEqual(
      expect.objectContaining({ deviceId: `${module}-6`, moduleId: module, fate: 'create', path: '' }),
    );
    expect(await world.twinsOf(module)).toEqual(before);
  });

  it('makes few calls on a compliant hub, where there is nothing to do', async () => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1 } });
    await world.addDevices(module, 3);
    await world.addModules(module, [1, 2, 3], { a: 1 });
    const { somethingToDo, asked, calls, policies } = await world.predict([policy]);
    expect(somethingToDo).toBe(false);
    expect(policies).toMatchObject([{ devices: 3, compliant: 3, modulesToCreate: 0, changes: [], examples: [] }]);
    expect(asked).toBe(4);
    expect(calls).toEqual({ configuration: 1, query: 3, twinRead: 0, twinUpdate: 0, bulk: 0, total: 4 });
  });

  it('counts a twin only once if several policies and queries find it', async () => {
    const long = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`key${index}`, 'v'.repeat(250)]));
    const { module, policy } = newModule({ desired: long });
    const other = { ...newModule({ desired: { z: true } }).policy, module, appliesTo: policy.appliesTo ?? {} };
    await world.addDevices(module, 3);
    await world.addModules(module, [1, 2, 3], {});
    const { policies, calls } = await world.predict([policy, other]);
    expect(policies.map(({ propertiesToChange, compliant }) => [propertiesToChange, compliant])).toEqual([
      [180, 0],
      [3, 0],
    ]);
    expect(calls).toMatchObject({ twinRead: 3, twinUpdate: 3 });
    expect(calls.query).toBeGreaterThan(4);
  });

  it.each<[string, (module: string) => AppliesTo]>([
    ['tags', (module) => ({ deviceId: `${module}*`, tags: { site: 'a' } })],
    ['tags that a query cannot compare', (module) => ({ deviceId: `${module}*`, tags: { site: 'a', list: [[1]] } })],
    [
      'a predicate',
      (module) =>
        ({ deviceId, tags }) =>
          deviceId.startsWith(module) && tags.site === 'a',
    ],
  ])('is limited to a scope of %s', async (_, appliesTo) => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1 } });
    await world.addDevices(module, 3, { site: 'a', list: [1] });
    await world.addDevices(module, 3, { site: 'b', list: [1] }, 'other');
    await world.addModules(module, [1, 2], { a: 2 });
    await world.addModules(module, [1, 2], { a: 2 }, 'other');
    const { policies, calls } = await world.predict([{ ...policy, appliesTo: appliesTo(module) }]);
    expect(policies).toMatchObject([{ devices: 3, compliant: 0, modulesToCreate: 1, propertiesToChange: 2 }]);
    // The twin of a module does not show whether its device is in the scope. So a sweep reads four modules and their four devices. A sweep
    // also reads the device that lacks the module.
    expect(calls).toMatchObject({ twinRead: 9, twinUpdate: 2, bulk: 1 });
  });

  it('is limited to a scope of edge devices', async () => {
    const { module, policy } = newModule({ desired: { a: 1 } });
    await world.hub.operator.create({ deviceId: `${module}-1`, capabilities: { iotEdge: true } } as never);
    await world.addDevices(module, 2, {}, 'other');
    await world.addModules(module, [1], { a: 2 });
    await world.addModules(module, [1, 2], { a: 2 }, 'other');
    const { policies } = await world.predict([{ ...policy, appliesTo: { edge: true, deviceId: `${module}*` } }]);
    expect(policies).toMatchObject([{ devices: 1, compliant: 0, propertiesToChange: 1 }]);
  });

  it('covers the twins of devices themselves where a policy names no module', async () => {
    const { module: name, policy } = newModule({ desired: { a: 1 } });
    await world.addDevices(name, 2, { site: 'a' });
    const { module: _, ...rest } = policy;
    const { policies, calls } = await world.predict([
      { ...rest, appliesTo: { deviceId: `${name}-*`, tags: { site: 'a' } } },
    ]);
    expect(policies).toMatchObject([{ module: '', devices: 2, compliant: 0, propertiesToChange: 2 }]);
    expect(policies[0]?.examples[0]).toMatchObject({ moduleId: '', path: 'a', to: 1 });
    expect(calls).toMatchObject({ twinRead: 4, twinUpdate: 2 });
  });

  it('walks in pages, reports its progress, and shows the most frequent of many values', async () => {
    const { module, policy } = newModule({ createModule: true, desired: { a: 1 } });
    await world.addDevices(module, 2500);
    await world.addModules(module, range(1, 2000), (index) => ({ a: index % 2 === 0 ? 'common' : `own ${index}` }));
    const reported: ForecastProgress[] = [];
    const { policies, calls } = await world.predict([policy], unlimited, (progress) => reported.push(progress));
    expect(policies).toMatchObject([
      {
        devices: 2500,
        compliant: 0,
        modulesToCreate: 500,
        changes: [
          { path: 'a', count: 2000, values: [{ from: 'common', to: 1, count: 1000 }, ...Array(9).fill({ count: 1 })] },
        ],
      },
    ]);
    expect(policies[0]?.changes[0]?.others).toBe(991);
    expect(policies[0]?.examples).toHaveLength(10);
    expect(reported).toContainEqual({ what: `devices of ${policy.name}`, done: 2000, total: 2500 });
    // The 9 queries are 2 counts, 2 pages of modules, 3 pages of devices, and 2 pages of twins that break the policy.
    expect(calls).toEqual({ configuration: 1, query: 9, twinRead: 2000, twinUpdate: 2000, bulk: 50, total: 4060 });
  });

  it('cuts long values', async () => {
    const { module, policy } = newModule({ desired: { a: 1 } });
    await world.addDevices(module, 1);
    await world.addModules(module, [1], { a: 'x'.repeat(4000) });
    const { policies } = await world.predict([policy]);
    expect(JSON.stringify(policies).length).toBeLessThan(2000);
    expect(policies[0]?.changes[0]?.values[0]?.from).toMatch(/^"x{199}…$/);
  });

  it('fails with one line that names the hub, if the hub cannot be queried', async () => {
    const unreachable = connectToHub(
      { connectionString: 'HostName=localhost:1;SharedAccessKeyName=a;SharedAccessKey=YQ==' },
      {
        retries: 0,
      },
    );
    const { policy } = newModule({ desired: { a: 1 } });
    const dependencies = {
      policies: toPolicySet([policy], { mode: 'enforce' }),
      budget,
      limit: unlimited,
      clock: systemClock,
    };
    await expect(forecast({ ...dependencies, hub: unreachable })).rejects.toThrow(
      /^The hub localhost cannot be queried: .*ECONNREFUSED/,
    );
  });
});
