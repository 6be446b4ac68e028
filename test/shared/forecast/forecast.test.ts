import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { type Forecast, type ForecastProgress, forecast } from '../../../shared/forecast/index.ts';
import type { OverwriteLimit } from '../../../shared/guards/index.ts';
import { connectToHub, type Hub } from '../../../shared/hub/index.ts';
import {
  type AppliesTo,
  between,
  byDefault,
  type PolicyDefinition,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { startTestHub, type TestHub } from '../../infra/local/hub/hub-client.ts';

const budget = { tier: 'S1', units: 1, share: 0.5 } as const;
const unlimited: OverwriteLimit = { type: 'count', count: 1_000_000 };

let hub: TestHub;
let door: Hub;

beforeAll(async () => {
  hub = await startTestHub();
  door = connectToHub(
    { connectionString: hub.connectionString('iothubowner').replace('localhost', `localhost:${hub.httpsPort}`) },
    { ca: hub.ca, firstDelay: 1, longestDelay: 5, budget: { tier: 'S3', units: 10, share: 1 } },
  );
});

afterAll(() => hub.close());

describe('a forecast', () => {
  it('tells what would be created and changed, path by path, and changes nothing', async () => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1, b: { c: 'x' }, d: byDefault(true) } });
    await devices(module, 7);
    await modules(module, [1, 2], { a: 1, b: { c: 'x' }, d: false });
    await modules(module, [3, 4], { a: 2, b: { c: 'x' }, d: false });
    await modules(module, [5], { a: 3, b: 'odd', d: false });
    const before = await twins(module);

    const { policies, somethingToDo } = await look([policy]);
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
    expect(await twins(module)).toEqual(before);
  });

  it('has nothing to do on a compliant hub, and asks little to know that', async () => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1 } });
    await devices(module, 3);
    await modules(module, [1, 2, 3], { a: 1 });
    const { somethingToDo, asked, calls, policies } = await look([policy]);
    expect(somethingToDo).toBe(false);
    expect(policies).toMatchObject([{ devices: 3, compliant: 3, modulesToCreate: 0, changes: [], examples: [] }]);
    expect(asked).toBe(4);
    expect(calls).toEqual({ configuration: 1, query: 3, twinRead: 0, twinUpdate: 0, bulk: 0, total: 4 });
  });

  it('counts a twin once, however many policies and queries name it', async () => {
    const long = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`key${index}`, 'v'.repeat(250)]));
    const { module, policy } = scene({ desired: long });
    const other = { ...scene({ desired: { z: true } }).policy, module, appliesTo: policy.appliesTo ?? {} };
    await devices(module, 3);
    await modules(module, [1, 2, 3], {});
    const { policies, calls } = await look([policy, other]);
    expect(policies.map(({ propertiesToChange, compliant }) => [propertiesToChange, compliant])).toEqual([
      [180, 0],
      [3, 0],
    ]);
    expect(calls).toMatchObject({ twinRead: 3, twinUpdate: 3 });
    expect(calls.query).toBeGreaterThan(4);
  });

  it.each<[string, (module: string) => AppliesTo]>([
    ['tags', (module) => ({ deviceId: `${module}*`, tags: { site: 'a' } })],
    ['tags that a query cannot compare', (module) => ({ deviceId: `${module}*`, tags: { site: 'a', list: [1] } })],
    [
      'a predicate',
      (module) =>
        ({ deviceId, tags }) =>
          deviceId.startsWith(module) && tags.site === 'a',
    ],
  ])('keeps to a scope of %s', async (_, appliesTo) => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1 } });
    await devices(module, 3, { site: 'a', list: [1] });
    await devices(module, 3, { site: 'b', list: [1] }, 'other');
    await modules(module, [1, 2], { a: 2 });
    await modules(module, [1, 2], { a: 2 }, 'other');
    const { policies, calls } = await look([{ ...policy, appliesTo: appliesTo(module) }]);
    expect(policies).toMatchObject([{ devices: 3, compliant: 0, modulesToCreate: 1, propertiesToChange: 2 }]);
    // A sweep cannot tell from a module whether it is in the scope: it reads each of the four, and its device, and that without the module.
    expect(calls).toMatchObject({ twinRead: 9, twinUpdate: 2, bulk: 1 });
  });

  it('keeps to a scope of edge devices', async () => {
    const { module, policy } = scene({ desired: { a: 1 } });
    await hub.operator.create({ deviceId: `${module}-1`, capabilities: { iotEdge: true } } as never);
    await devices(module, 2, {}, 'other');
    await modules(module, [1], { a: 2 });
    await modules(module, [1, 2], { a: 2 }, 'other');
    const { policies } = await look([{ ...policy, appliesTo: { edge: true, deviceId: `${module}*` } }]);
    expect(policies).toMatchObject([{ devices: 1, compliant: 0, propertiesToChange: 1 }]);
  });

  it("is about devices' own twins where a policy names no module", async () => {
    const { module: name, policy } = scene({ desired: { a: 1 } });
    await devices(name, 2, { site: 'a' });
    const { module: _, ...rest } = policy;
    const { policies, calls } = await look([{ ...rest, appliesTo: { deviceId: `${name}-*`, tags: { site: 'a' } } }]);
    expect(policies).toMatchObject([{ module: '', devices: 2, compliant: 0, propertiesToChange: 2 }]);
    expect(policies[0]?.examples[0]).toMatchObject({ moduleId: '', path: 'a', to: 1 });
    expect(calls).toMatchObject({ twinRead: 4, twinUpdate: 2 });
  });

  it('tells apart what would only be recorded', async () => {
    const { module, policy } = scene({ desired: { a: 1 } });
    await devices(module, 2);
    await modules(module, [1, 2], { a: 2 });
    const same = { module, appliesTo: policy.appliesTo ?? {} };
    const { policies, somethingToDo, calls } = await look([
      { ...same, name: 'audits', mode: 'audit', createModule: true, desired: { a: 1 } },
      {
        ...same,
        name: 'fails',
        evaluate() {
          throw new Error('no idea');
        },
      },
      { ...same, name: 'wonders', evaluate: () => [{ path: 'a', message: 'odd' }] },
    ]);
    expect(policies).toMatchObject([
      { propertiesToChange: 0, compliant: 0, recorded: [{ path: 'a', kind: 'wrongValue', why: 'audit', count: 2 }] },
      { recorded: [{ path: '', why: 'policyError', count: 2, message: expect.stringContaining('no idea') }] },
      { recorded: [{ path: 'a', kind: 'custom', why: 'unmendable', count: 2, message: 'odd' }] },
    ]);
    expect(policies.map(({ walked }) => walked === undefined)).toEqual([true, false, false]);
    expect(somethingToDo).toBe(true);
    expect(calls).toMatchObject({ twinRead: 2, twinUpdate: 0 });
  });

  it('records for a device of which nobody can say whether it is in the scope, and does not count it there', async () => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1 } });
    await devices(module, 3);
    await modules(module, [1], { a: 2 });
    const { policies } = await look([
      {
        ...policy,
        appliesTo({ deviceId }) {
          if (deviceId === `${module}-1` || deviceId === `${module}-2`) throw new Error('who knows');
          return deviceId.startsWith(`${module}-`);
        },
      },
    ]);
    expect(policies).toMatchObject([
      { devices: 1, compliant: 0, modulesToCreate: 1, recorded: [{ why: 'policyError', count: 2 }] },
    ]);
  });

  it('tells what agents did not take as something to record', async () => {
    const { module, policy } = scene({
      desired: { a: 1 },
      reported: { failure: { path: 'state', value: 'failed' }, graceMinutes: 0 },
    });
    await devices(module, 1);
    await modules(module, [1], { a: 1 });
    hub.registry.report({ deviceId: `${module}-1`, moduleId: module }, { state: 'failed' });
    const { policies } = await look([policy]);
    expect(policies).toMatchObject([{ compliant: 0, propertiesToChange: 0, recorded: [{ why: 'notReported' }] }]);
  });

  it('tells which configurations of the hub keep a path from being enforced, and does not count it as a change', async () => {
    const { module, policy } = scene({ desired: { a: 1, b: 1 } });
    await devices(module, 1);
    await modules(module, [1], { a: 2, b: 2 });
    const id = `rival-${module}`;
    await hub.operator.addConfiguration({
      id,
      targetCondition: `FROM devices.modules WHERE moduleId = '${module}'`,
      priority: 1,
      content: { moduleContent: { 'properties.desired.a': 2 } },
    } as never);
    try {
      const { policies, competing } = await look([policy]);
      expect(competing).toMatchObject([{ configuration: id, policy: policy.name, path: 'a', theirs: 2, wanted: 1 }]);
      expect(policies).toMatchObject([
        { changes: [{ path: 'b', count: 1 }], recorded: [{ path: 'a', why: 'competingConfiguration', count: 1 }] },
      ]);
      const overriding = await look([{ ...policy, overrideConfigurations: true }]);
      expect(overriding.policies).toMatchObject([{ propertiesToChange: 2, recorded: [] }]);
    } finally {
      await hub.operator.removeConfiguration(id);
    }
  });

  it('tells what the blast-radius limit would hold back in the first hour', async () => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1, b: between(1, 2, { otherwise: 1 }) } });
    await devices(module, 10);
    await modules(module, [1, 2, 3, 4, 5], { a: 2 });
    const held = await look([policy], { type: 'share', share: 0.2 });
    // Setting `b`, which is missing, and creating modules overwrites nothing.
    expect(held.policies).toMatchObject([
      { propertiesToChange: 10, modulesToCreate: 5, overwrites: { count: 5, perHour: 2, heldBack: 3 } },
    ]);
    const free = await look([policy], { type: 'count', count: 5 });
    expect(free.policies).toMatchObject([{ overwrites: { count: 5, perHour: 5, heldBack: 0 } }]);
  });

  it('walks in pages, tells how far it has come, and shows what is frequent of very many values', async () => {
    const { module, policy } = scene({ createModule: true, desired: { a: 1 } });
    await devices(module, 2500);
    await modules(module, range(1, 2000), ({ index }) => ({ a: index % 2 === 0 ? 'common' : `own ${index}` }));
    const told: ForecastProgress[] = [];
    const { policies, calls } = await look([policy], unlimited, (progress) => told.push(progress));
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
    expect(told).toContainEqual({ what: `devices of ${policy.name}`, done: 2000, total: 2500 });
    // Configurations; counts of devices and modules; pages of modules (2), devices (3) and suspects (2).
    expect(calls).toEqual({ configuration: 1, query: 9, twinRead: 2000, twinUpdate: 2000, bulk: 5, total: 4015 });
  });

  it('shows long values cut short', async () => {
    const { module, policy } = scene({ desired: { a: 1 } });
    await devices(module, 1);
    await modules(module, [1], { a: 'x'.repeat(4000) });
    const { policies } = await look([policy]);
    expect(JSON.stringify(policies).length).toBeLessThan(2000);
    expect(policies[0]?.changes[0]?.values[0]?.from).toMatch(/^"x{199}…$/);
  });

  it('says in one line why a hub cannot be asked', async () => {
    const away = connectToHub(
      { connectionString: 'HostName=localhost:1;SharedAccessKeyName=a;SharedAccessKey=YQ==' },
      {
        retries: 0,
      },
    );
    const { policy } = scene({ desired: { a: 1 } });
    const parts = {
      policies: toPolicySet([policy], { mode: 'enforce' }),
      budget,
      limit: unlimited,
      clock: systemClock,
    };
    await expect(forecast({ ...parts, hub: away })).rejects.toThrow(
      /^The hub localhost cannot be asked: .*ECONNREFUSED/,
    );
  });
});

let scenes = 0;

/** A module that no other test has, and a policy about it and the devices that are named after it. */
function scene(part: Partial<PolicyDefinition>): { readonly module: string; readonly policy: PolicyDefinition } {
  const module = `forecast${++scenes}x`;
  return { module, policy: { name: `policy-${module}`, module, appliesTo: { deviceId: `${module}-*` }, ...part } };
}

function look(
  definitions: readonly PolicyDefinition[],
  limit = unlimited,
  onProgress: (progress: ForecastProgress) => void = () => {},
): Promise<Forecast> {
  const policies = toPolicySet(definitions, { mode: 'enforce' });
  return forecast({ policies, hub: door, budget, limit, clock: systemClock, onProgress });
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

async function devices(module: string, count: number, tags: JsonObject = {}, suffix = ''): Promise<void> {
  const ids = range(1, count).map((index) => `${module}${suffix}-${index}`);
  for (let from = 0; from < ids.length; from += 100) {
    await hub.operator.addDevices(ids.slice(from, from + 100).map((deviceId) => ({ deviceId, tags })) as never);
  }
}

async function modules(
  module: string,
  numbers: readonly number[],
  desired: JsonObject | ((place: { readonly index: number }) => JsonObject),
  suffix = '',
): Promise<void> {
  const answers = await door.createModules(
    numbers.map((index) => ({
      deviceId: `${module}${suffix}-${index}`,
      moduleId: module,
      tags: {},
      desired: typeof desired === 'function' ? desired({ index }) : desired,
    })),
  );
  expect(answers.filter(({ ok }) => !ok)).toEqual([]);
}

async function twins(module: string): Promise<unknown> {
  const answer = await door.queryPage(`SELECT * FROM devices.modules WHERE moduleId = '${module}'`);
  return answer;
}
