import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { policies as builtIn } from '../../../functions/policies/index.ts';
import type { Answer, QueryPage } from '../../../shared/hub/index.ts';
import {
  absent,
  baselineOf,
  between,
  byDefault,
  definePolicy,
  exactly,
  oneOf,
  type PolicyDefinition,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import {
  atQueries,
  inPagesOf,
  intercepted,
  MovableClock,
  type Sweeping,
  type SweepWorld,
  startSweepWorld,
} from '../../support/sweep-world.ts';
import { brief, newDeviceId } from '../../support/world.ts';

const agent = definePolicy({
  name: 'agent',
  module: 'Agent',
  createModule: true,
  moduleTags: { by: 'us' },
  desired: {
    mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
    timeout: between(60, 120, { otherwise: 100 }),
    section: { deep: { value: true } },
    label: byDefault('plain'),
    legacy: absent(),
  },
});
const good = { mode: 'Low', timeout: 90, section: { deep: { value: true } }, label: 'mine' };

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

/** The calls that Twinkeeper makes meanwhile, by class. */
async function callsOf(act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const before = await world.calls();
  await act();
  const after = await world.calls();
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}

const sum = (calls: Readonly<Record<string, number>>) =>
  Object.values(calls).reduce((total, count) => total + count, 0);
const patch = (deviceId: string, desired: JsonObject) =>
  world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
const historyOf = async (deviceId: string) => brief(await world.history(deviceId));
const openOf = async (deviceId: string) => brief((await world.journal.read(deviceId)).open);
const modulesOf = (deviceId: string) =>
  world.hub.registry
    .listModules(deviceId)
    .map(({ moduleId }) => moduleId)
    .filter((moduleId) => !String(moduleId).startsWith('$'));

describe('a sweep of a compliant hub', () => {
  it('costs ten calls at most under the built-in policies, and hands out nothing', async () => {
    const all = toPolicySet(builtIn, { mode: 'enforce' }).all;
    const baselines = Object.fromEntries(all.map((policy) => [policy.module, baselineOf(policy)]));
    for (let count = 0; count < 40; count++) world.add(newDeviceId('compliant'), baselines);
    const sweeping = world.sweeping(builtIn);
    const calls = await callsOf(() => sweeping.run());
    expect(sum(calls)).toBeLessThanOrEqual(10);
    expect(sweeping.messages).toEqual([]);
    const [row] = await sweeping.store.list(1);
    expect(row).toMatchObject({
      state: 'done',
      trigger: 'timer',
      resumed: 0,
      examined: 0,
      found: 0,
      changed: 0,
      hubCalls: sum(calls),
      deferred: 0,
      parts: 0,
      partsDone: 0,
      competing: [],
      walked: [],
    });
    expect(Date.parse(row?.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(row?.startedAt ?? ''));
    expect([...sweeping.noted.devices.values()]).toEqual([40, 40]);
  });

  it('costs as little when it has no device at all', async () => {
    const calls = await callsOf(() => world.sweeping(builtIn).run());
    expect(sum(calls)).toBeLessThanOrEqual(10);
  });
});

describe('missing modules', () => {
  it('are created a hundred to a call, and found by counting', async () => {
    const devices = Array.from({ length: 230 }, () => newDeviceId('new'));
    for (const deviceId of devices) world.add(deviceId);
    const sweeping = world.sweeping([agent]);
    let row = {};
    const calls = await callsOf(async () => {
      row = await sweeping.sweep();
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
      expect(await historyOf(deviceId ?? '')).toEqual([['missingModule', '', 'created']]);
    }
    expect(await world.desiredOf(devices[0] ?? '', 'Agent')).toEqual(
      baselineOf(toPolicySet([agent], { mode: 'enforce' }).all[0] as never),
    );
    const again = await callsOf(() => world.sweeping([agent]).run());
    expect(sum(again)).toBe(4);
  });

  it('are found among thousands that are there, over several pages', async () => {
    const there = Array.from({ length: 30 }, () => newDeviceId('there'));
    for (const deviceId of there) world.add(deviceId, { Agent: good, Other: {} });
    const missing = [newDeviceId('lacking'), newDeviceId('lacking')];
    for (const deviceId of missing) world.add(deviceId, { Other: {} });
    const sweeping = world.sweeping([agent], { throughHub: (hub) => inPagesOf(7, hub) });
    await sweeping.run();
    expect(sweeping.parts().map(({ finding, devices }) => [finding, devices])).toEqual([['missing', missing]]);
  });

  it('of a policy that creates none are nobody’s business', async () => {
    world.add(newDeviceId());
    const { createModule: _, moduleTags: __, ...looking } = agent;
    const row = await world.sweeping([looking]).sweep();
    expect(row).toMatchObject({ parts: 0, found: 0 });
  });
});

describe('a departure that no event told of', () => {
  it.each<[string, JsonObject, readonly (readonly [string, string])[]]>([
    ['a missing property', { timeout: null }, [['missingProperty', 'timeout']]],
    ['a missing default', { label: null }, [['missingProperty', 'label']]],
    ['a wrong value', { mode: 'Off' }, [['wrongValue', 'mode']]],
    ['a value of another type', { timeout: '90' }, [['wrongValue', 'timeout']]],
    ['a value below its range', { timeout: 59 }, [['wrongValue', 'timeout']]],
    ['a value above its range', { timeout: 121 }, [['wrongValue', 'timeout']]],
    ['a forbidden property', { legacy: { on: true } }, [['forbiddenProperty', 'legacy']]],
    ['a section that is gone', { section: null }, [['missingProperty', 'section.deep.value']]],
    ['a section replaced by a text', { section: 'x' }, [['missingProperty', 'section.deep.value']]],
    ['a section replaced by a list', { section: { deep: [1] } }, [['missingProperty', 'section.deep.value']]],
    [
      'several at once',
      { mode: 1, timeout: null, legacy: 0 },
      [
        ['wrongValue', 'mode'],
        ['missingProperty', 'timeout'],
        ['forbiddenProperty', 'legacy'],
      ],
    ],
  ])('is found and mended with one read and one patch: %s', async (_, change, departures) => {
    const deviceId = newDeviceId('broken');
    world.add(deviceId, { Agent: good });
    world.add(newDeviceId('fine'), { Agent: good });
    await patch(deviceId, change);
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    expect(sweeping.parts()).toMatchObject([{ finding: 'suspect', moduleId: 'Agent', devices: [deviceId] }]);
    const calls = await callsOf(() => sweeping.work());
    expect(calls).toEqual({ twinRead: 1, twinUpdate: 1 });

    const rows = await world.history(deviceId);
    expect(rows.map(({ kind, path }) => [kind, path]).toSorted()).toEqual(departures.toSorted());
    for (const row of rows) expect(row).toMatchObject({ outcome: 'enforced', source: 'sweep' });
    const [row] = await sweeping.store.list(1);
    expect(row).toMatchObject({ examined: 1, found: departures.length, changed: departures.length, partsDone: 1 });
    expect(await world.sweeping([agent]).sweep()).toMatchObject({ parts: 0 });
  });

  it('of the twin of a device itself is found and mended', async () => {
    const deviceId = newDeviceId('own');
    world.add(deviceId, {});
    world.add(newDeviceId('own'), {});
    await world.operator.updateTwin(deviceId, { properties: { desired: { rate: 5 } } }, '*');
    const policy = definePolicy({ name: 'own-twin', desired: { rate: absent() } });
    await world.sweeping([policy]).sweep();
    expect(await historyOf(deviceId)).toEqual([['forbiddenProperty', 'rate', 'enforced']]);
  });

  it('under two policies about one module is read once and patched once', async () => {
    const second = definePolicy({ name: 'second', module: 'Agent', desired: { extra: 1 } });
    const deviceId = newDeviceId('both');
    world.add(deviceId, { Agent: { ...good, mode: 'Off', extra: 2 } });
    const sweeping = world.sweeping([agent, second]);
    await sweeping.run();
    expect(await callsOf(() => sweeping.work())).toEqual({ twinRead: 1, twinUpdate: 1 });
    expect(await historyOf(deviceId)).toHaveLength(2);
  });
});

describe('an event and a sweep that see the same departure', () => {
  const ways: readonly [string, (deviceId: string) => Promise<unknown>, string][] = [
    ['a wrong value', (deviceId) => patch(deviceId, { mode: 'Off' }), 'wrongValue'],
    ['a removed property', (deviceId) => patch(deviceId, { timeout: null, label: 'other' }), 'missingProperty'],
    ['a removed section', (deviceId) => patch(deviceId, { section: null }), 'missingProperty'],
    ['a deleted module', (deviceId) => world.operator.removeModule(deviceId, 'Agent'), 'missingModule'],
  ];

  it.each(ways)('leave one row, the sweep being first: %s', async (_, depart, kind) => {
    const { deviceId, events, sweeping } = await departed(depart);
    await sweeping.sweep();
    await events.settle();
    expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
    expect((await world.history(deviceId))[0]?.outcome).toMatch(/enforced|created/);
    expect(await openOf(deviceId)).toEqual([]);
  });

  it.each(ways)('leave one row, the event being first and the sweep’s finding stale: %s', async (_, depart, kind) => {
    const { deviceId, events, sweeping } = await departed(depart);
    await sweeping.run();
    await events.settle();
    await sweeping.work();
    expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
    expect(await openOf(deviceId)).toEqual([]);
    const [row] = await sweeping.store.list(1);
    expect(row).toMatchObject({ found: 0, changed: 0, parts: 1, partsDone: 1 });
  });

  it.each(ways)('leave one row, both at the same time: %s', async (_, depart, kind) => {
    for (let time = 0; time < 3; time++) {
      await world.clear();
      const { deviceId, events, sweeping } = await departed(depart);
      await sweeping.run();
      await Promise.all([events.settle(), sweeping.work()]);
      await events.settle();
      expect((await world.history(deviceId)).map((row) => row.kind)).toEqual([kind]);
      expect(await openOf(deviceId)).toEqual([]);
      expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ section: { deep: { value: true } } });
    }
  });

  async function departed(depart: (deviceId: string) => Promise<unknown>) {
    const deviceId = newDeviceId('seen');
    world.add(deviceId, { Agent: good });
    const events = world.withPolicies([agent]);
    await depart(deviceId);
    return { deviceId, events, sweeping: world.sweeping([agent]) };
  }

  it('leave one row about a new device, whose event is late', async () => {
    const events = world.withPolicies([agent]);
    const deviceId = newDeviceId('late');
    world.add(deviceId);
    await world.sweeping([agent]).sweep();
    const before = await world.history(deviceId);
    expect(brief(before)).toEqual([['missingModule', '', 'created']]);
    await events.settle();
    expect(await world.history(deviceId)).toEqual(before);
  });
});

describe('what a query said and is so no more', () => {
  it('adds no row and changes nothing where the property is right by now', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    await patch(deviceId, { mode: 'High' });
    expect(await callsOf(() => sweeping.work())).toEqual({ twinRead: 1 });
    expect(await world.history(deviceId)).toEqual([]);
  });

  it('adds no row and changes nothing where the device is gone by now', async () => {
    const [suspect, lacking] = [newDeviceId('stale'), newDeviceId('stale')];
    world.add(suspect, { Agent: { ...good, mode: 'Off' } });
    world.add(lacking);
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    for (const deviceId of [suspect, lacking]) await world.operator.delete(deviceId);
    await sweeping.work();
    expect(await world.history(suspect)).toEqual([]);
    expect((await world.history(lacking)).map((row) => row.outcome)).toEqual(['gone']);
    expect(await openOf(lacking)).toEqual([]);
  });

  it('makes a module that was deleted meanwhile one that is missing', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    await world.operator.removeModule(deviceId, 'Agent');
    await sweeping.work();
    expect(await historyOf(deviceId)).toEqual([['missingModule', '', 'created']]);
  });

  it('adds no second row where the module that was missing was created by the sweep before', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId);
    const replayed = new Map<string, Answer<QueryPage>>();
    await world
      .sweeping([agent], {
        throughHub: (hub) =>
          atQueries(
            hub,
            () => true,
            async (query) => {
              const answer = await world.door.queryPage(query);
              replayed.set(query, answer);
              return answer;
            },
          ),
      })
      .sweep();
    const before = await world.history(deviceId);
    const sweeping = world.sweeping([agent], {
      throughHub: (hub) =>
        atQueries(
          hub,
          () => true,
          (query) => replayed.get(query),
        ),
    });
    await sweeping.run();
    expect(sweeping.parts()).toMatchObject([{ finding: 'missing', devices: [deviceId] }]);
    expect(await callsOf(() => sweeping.work())).toEqual({ twinRead: 1 });
    expect(await world.history(deviceId)).toEqual(before);
  });

  it.each(['enforce', 'audit'] as const)(
    'leaves nothing open where somebody else created the module meanwhile (%s)',
    async (mode) => {
      const deviceId = newDeviceId('stale');
      world.add(deviceId);
      const sweeping = world.sweeping([agent], { mode });
      await sweeping.run();
      world.hub.registry.create({ deviceId, moduleId: 'Agent' }, {}, { desired: good });
      await sweeping.work();
      expect(await openOf(deviceId)).toEqual([]);
      expect(await world.desiredOf(deviceId, 'Agent')).toEqual(good);
      // In enforce mode it was written ahead that it was missing, as it was when the query was made.
      expect(await historyOf(deviceId)).toEqual(mode === 'audit' ? [] : [['missingModule', '', 'healed']]);
    },
  );

  it('adds no row in audit mode where the module was created after it was recorded as missing', async () => {
    const deviceId = newDeviceId('stale');
    world.add(deviceId);
    const first = world.sweeping([agent], { mode: 'audit' });
    await first.run();
    const stale = first.messages.slice();
    await first.work();
    expect(await openOf(deviceId)).toEqual([['missingModule', '', 'audited']]);
    const events = world.withPolicies([agent], { mode: 'audit' });
    world.hub.registry.create({ deviceId, moduleId: 'Agent' }, {}, { desired: good });
    await events.settle();
    const before = await world.history(deviceId);
    expect(await openOf(deviceId)).toEqual([]);
    first.messages.push(...stale.map((message) => ({ ...message, at: first.clock.now().toISOString() })));
    await first.work();
    expect(await world.history(deviceId)).toEqual(before);
  });

  it('is seen as it is by a hub whose queries lag', async () => {
    // The page is as old as can be: from before there was anything.
    const empty: Answer<QueryPage> = { ok: true, value: { items: [] } };
    const deviceId = newDeviceId('lag');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent], {
      throughHub: (hub) =>
        atQueries(
          hub,
          (query) => query.includes('devices.modules'),
          () => empty,
        ),
    });
    await sweeping.sweep();
    // All modules seem to be missing; the one that is there is looked at, and found wrong.
    expect(await openOf(deviceId)).toEqual([]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
    expect((await world.history(deviceId)).filter(({ kind }) => kind === 'wrongValue')).toHaveLength(1);
  });
});

describe('a scope', () => {
  const scopes: readonly [string, PolicyDefinition['appliesTo']][] = [
    ['by tags', { tags: { plant: { floor: 2 } } }],
    ['by edge', { edge: true }],
    ['by a pattern for the id', { deviceId: 'inside-*' }],
    ['by a pattern that a query cannot say', { deviceId: 'in*d*-*' }],
    ['by a function', ({ tags, edge }) => edge && tags.seen !== 'no'],
    ['by all of them', { deviceId: 'inside*', edge: true, tags: { plant: { floor: 2 } } }],
  ];

  it.each(scopes)('%s keeps the sweep to its devices', async (_, appliesTo) => {
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
    world.add(ids.broken, { Agent: { ...good, mode: 'Off' } }, inside);
    world.add(ids.fine, { Agent: good }, inside);
    world.add(ids.strange, {}, outside);
    world.add(ids.wrong, { Agent: { ...good, mode: 'Off' } }, outside);
    const scoped = { ...agent, ...(appliesTo === undefined ? {} : { appliesTo }) };
    const row = await world.sweeping([scoped]).sweep();

    expect(row).toMatchObject({ found: 2, changed: 2 });
    expect(await historyOf(ids.missing)).toEqual([['missingModule', '', 'created']]);
    expect(await historyOf(ids.broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
    for (const deviceId of [ids.fine, ids.strange, ids.wrong]) expect(await historyOf(deviceId)).toEqual([]);
    expect(modulesOf(ids.strange)).toEqual([]);

    // What cannot be told by counting is searched for once, and then known; but nobody can look into a function.
    await world.sweeping([scoped]).sweep();
    const calls = await callsOf(() => world.sweeping([scoped]).run());
    expect(calls.query).toBeLessThanOrEqual(typeof appliesTo === 'function' ? 5 : 4);
  });
});

describe('a policy that cannot be asked as a query', () => {
  const custom = definePolicy({
    name: 'custom',
    module: 'Agent',
    evaluate: ({ desired: { properties } }) =>
      properties.polling === true && properties.interval === undefined ? [{ path: 'interval', expected: 100 }] : [],
  });
  const objects = definePolicy({ name: 'objects', module: 'Agent', desired: { list: exactly([1, { a: 2 }]) } });

  it('is walked, once, and the row says so once', async () => {
    const [custom1, object1, fine] = [newDeviceId('walk'), newDeviceId('walk'), newDeviceId('walk')];
    const list = [1, { a: 2 }];
    world.add(custom1, { Agent: { list, polling: true } });
    world.add(object1, { Agent: { list: [1, { a: 3 }] } });
    world.add(fine, { Agent: { list } });
    const sweeping = world.sweeping([custom, objects], { throughHub: (hub) => inPagesOf(2, hub) });
    const row = await sweeping.sweep();
    expect(row.walked).toEqual([expect.stringContaining('custom'), expect.stringContaining('objects')]);
    expect(sweeping.said.filter(({ message }) => message.includes('are walked'))).toHaveLength(2);
    expect(await historyOf(custom1)).toEqual([['custom', 'interval', 'enforced']]);
    expect(await historyOf(object1)).toEqual([['wrongValue', 'list', 'enforced']]);
    expect(await historyOf(fine)).toEqual([]);
    expect(row).toMatchObject({ found: 2, changed: 2 });
    expect(await world.sweeping([custom, objects]).sweep()).toMatchObject({ parts: 0, examined: 6 });
  });

  it('whose function throws has that on record, and the others go on', async () => {
    const deviceId = newDeviceId('walk');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const broken = definePolicy({
      name: 'thrower',
      module: 'Agent',
      evaluate: () => {
        throw new Error('no');
      },
    });
    await world.sweeping([broken, agent]).sweep();
    expect((await historyOf(deviceId)).toSorted()).toEqual([
      ['policyError', '', 'failed'],
      ['wrongValue', 'mode', 'enforced'],
    ]);
  });
});

describe('audit mode', () => {
  it('records what is out of line and changes nothing', async () => {
    const [missing, broken] = [newDeviceId('audit'), newDeviceId('audit')];
    world.add(missing);
    world.add(broken, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent], { mode: 'audit' });
    let row = {};
    const calls = await callsOf(async () => {
      row = await sweeping.sweep();
    });
    expect(calls).not.toHaveProperty('bulk');
    expect(calls).not.toHaveProperty('twinUpdate');
    expect(row).toMatchObject({ found: 2, changed: 0 });
    expect(await historyOf(missing)).toEqual([['missingModule', '', 'audited']]);
    expect(await historyOf(broken)).toEqual([['wrongValue', 'mode', 'audited']]);
    expect(await world.desiredOf(broken, 'Agent')).toMatchObject({ mode: 'Off' });

    const again = await world.sweeping([agent], { mode: 'audit' }).sweep();
    expect(again).toMatchObject({ state: 'done', changed: 0 });
    expect(await historyOf(missing)).toHaveLength(1);
    expect(await historyOf(broken)).toHaveLength(1);
  });
});

describe('a search that found that no module is missing', () => {
  it('is not made again, but after a day and when the counts change', async () => {
    const scoped: PolicyDefinition = { ...agent, appliesTo: { tags: { plant: 1 } } };
    world.add(newDeviceId('known'), { Agent: good }, { tags: { plant: 1 } });
    world.add(newDeviceId('known'), {}, { tags: { plant: 2 } });
    const clock = new MovableClock();
    /** Whether it searched, and the devices that it found. */
    const sweep = async () => {
      let isSearch = false;
      const sweeping = world.sweeping([scoped], {
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
      await sweeping.run();
      const found = sweeping.parts().flatMap(({ devices }) => devices);
      await sweeping.work();
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
    expect(await historyOf(late)).toEqual([['missingModule', '', 'created']]);
  });
});

describe('a sweep that comes to its deadline', () => {
  /** Time is up after each so many pages. */
  const hasty = (clock: MovableClock, pages: number) => {
    let asked = 0;
    return (hub: SweepWorld['door']) =>
      atQueries(
        inPagesOf(3, hub),
        () => true,
        () => {
          if (++asked % pages === 0) clock.pass(10 * 60_000);
          return undefined;
        },
      );
  };

  it.each([2, 3, 5])('goes on from its place to the same result, with time for %d pages', async (pages) => {
    const devices = fleet();
    const clock = new MovableClock();
    const sweeping = world.sweeping([agent], { clock, throughHub: hasty(clock, pages) });
    const end = await sweeping.run();
    expect(end).toMatchObject({ state: 'paused', delay: 0 });
    const id = 'id' in end ? end.id : '';
    expect(sweeping.messages.at(-1)).toEqual({ type: 'continue', sweepId: id });
    expect(await sweeping.store.get(id)).toMatchObject({ state: 'running' });
    await sweeping.work();
    const row = await sweeping.store.get(id);
    expect(row).toMatchObject({ state: 'done', found: 7, changed: 7 });
    expect(row?.resumed).toBeGreaterThanOrEqual(Math.floor(12 / pages));
    expect(row?.parts).toBe(row?.partsDone);
    await expectMended(devices);
    expect(await sweeping.store.list(10)).toHaveLength(1);
  });

  it('keeps the set of a search in storage, and does not read the same pages again', async () => {
    fleet();
    const clock = new MovableClock();
    const asked: string[] = [];
    const options = {
      clock,
      minutes: 0.5,
      throughHub: (hub: SweepWorld['door']) =>
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
    const quick = world.sweeping([agent], { throughHub: (hub) => inPagesOf(3, hub) });
    const calls = (await quick.run().then(async () => (await quick.store.list(1))[0]))?.hubCalls ?? 0;
    await world.clear();
    fleet();
    let sweeping: Sweeping = world.sweeping([agent], options);
    let end = await sweeping.run();
    for (let run = 0; run < 30 && end.state === 'paused'; run++) {
      // Another instance, with nothing in memory.
      sweeping = world.sweeping([agent], options);
      end = await sweeping.run();
    }
    expect(end.state).toBe('done');
    expect((await sweeping.store.list(1))[0]?.hubCalls).toBe(calls);
  });

  it('counts no page of a search as read whose modules it lost when it died', async () => {
    const devices = fleet();
    const clock = new MovableClock();
    const modulePages = (query: string) =>
      query.startsWith('SELECT deviceId FROM devices.modules') && !query.includes('IS_');
    /** Something happens at the nth page of the search's modules. */
    const atPage = (n: number, act: () => undefined) => {
      let page = 0;
      return (hub: SweepWorld['door']) =>
        atQueries(inPagesOf(2, hub), modulePages, () => (++page === n ? act() : undefined));
    };
    // Its time is up at the second page, which it reads: the set is saved as far as that.
    const first = world.sweeping([agent], {
      clock,
      minutes: 0.5,
      throughHub: atPage(2, () => void clock.pass(31_000)),
    });
    expect(await first.run()).toMatchObject({ state: 'paused' });
    const dies = atPage(4, () => {
      throw new Error('killed');
    });
    await expect(world.sweeping([agent], { clock, throughHub: dies }).run()).rejects.toThrow('killed');
    clock.pass(200_000);
    const last = world.sweeping([agent], { clock, throughHub: (hub) => inPagesOf(2, hub) });
    expect(await last.run()).toMatchObject({ state: 'done' });
    const missing = last.parts().filter(({ finding }) => finding === 'missing');
    expect(missing.flatMap((part) => part.devices)).toEqual(devices.filter((_, index) => index % 4 === 3));
  });

  /** Sixteen devices, of which three are broken and four have no module. */
  function fleet() {
    const devices = Array.from({ length: 16 }, () => newDeviceId('fleet'));
    for (const [index, deviceId] of devices.entries()) {
      const modules = index % 4 === 3 ? {} : { Agent: index % 5 === 0 ? { ...good, mode: 'Off' } : good };
      world.add(deviceId, modules);
    }
    return devices;
  }

  async function expectMended(devices: readonly string[]) {
    for (const [index, deviceId] of devices.entries()) {
      const rows = await historyOf(deviceId);
      if (index % 4 === 3) expect(rows).toEqual([['missingModule', '', 'created']]);
      else expect(rows).toEqual(index % 5 === 0 ? [['wrongValue', 'mode', 'enforced']] : []);
    }
  }
});

describe('one sweep at a time', () => {
  it('is what two that begin at the same time come to', async () => {
    world.add(newDeviceId(), { Agent: { ...good, mode: 'Off' } });
    const [one, other] = [world.sweeping([agent]), world.sweeping([agent])];
    await Promise.all([one.store.list(1), other.store.list(1)]);
    const ends = await Promise.all([one.run(), other.run('manual')]);
    expect(ends.map(({ state }) => state).toSorted()).toEqual(['busy', 'done']);
    expect([...one.parts(), ...other.parts()]).toHaveLength(1);
  });

  it('is gone on with by another when its instance dies, and the slow one then stops', async () => {
    const devices = Array.from({ length: 6 }, () => newDeviceId('slow'));
    for (const deviceId of devices) world.add(deviceId);
    const clock = new MovableClock();
    const quick = world.sweeping([agent], { clock });
    let overtaken: unknown;
    const slow = world.sweeping([agent], {
      clock,
      throughHub: (hub) =>
        atQueries(
          inPagesOf(2, hub),
          (query, continuation) => continuation === '2' && !query.includes('modules'),
          async () => {
            if (overtaken !== undefined) return undefined;
            overtaken = 'meanwhile';
            clock.pass(200_000);
            overtaken = await quick.run();
            return undefined;
          },
        ),
    });
    expect(await slow.run()).toMatchObject({ state: 'lost' });
    expect(overtaken).toMatchObject({ state: 'done' });
    await Promise.all([slow.work(), quick.work()]);
    for (const deviceId of devices) expect(await historyOf(deviceId)).toEqual([['missingModule', '', 'created']]);
    expect(await quick.store.list(5)).toMatchObject([{ state: 'done', resumed: 1 }]);
  });

  it('asked for while another is under way waits its turn', async () => {
    const held = world.sweeping([agent]);
    const claim = await held.store.claim({ trigger: 'timer' });
    const sweeping = world.sweeping([agent]);
    await sweeping.worker.handle({ v: 1, type: 'start' });
    expect(sweeping.messages).toEqual([{ type: 'start' }]);
    expect(sweeping.delays[0]).toBeGreaterThan(0);
    if (claim === undefined) return;
    await held.store.leave(claim, {}, { ...claim.row, state: 'done' });
    await sweeping.work();
    expect(await sweeping.store.list(5)).toMatchObject([{ trigger: 'manual', state: 'done' }, { id: claim.id }]);
  });

  it('is not begun by the clock while the last one’s work is still being done', async () => {
    world.add(newDeviceId(), { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    expect(await world.sweeping([agent]).run('timer')).toEqual({ state: 'busy' });
    await sweeping.work();
    sweeping.clock.pass(1000);
    expect(await world.sweeping([agent], { clock: sweeping.clock }).run('timer')).toMatchObject({ state: 'done' });
  });

  it('under policies that changed in between is given up, and another begun', async () => {
    world.add(newDeviceId(), { Agent: good });
    const clock = new MovableClock();
    const before = world.sweeping([agent], {
      clock,
      throughHub: (hub) =>
        atQueries(
          hub,
          () => true,
          () => void clock.pass(10 * 60_000),
        ),
    });
    expect(await before.run()).toMatchObject({ state: 'paused' });
    const after = world.sweeping([{ ...agent, desired: { mode: 'High' } }], { clock });
    expect(await after.run()).toMatchObject({ state: 'done' });
    const [now, abandoned] = await after.store.list(5);
    expect(now).toMatchObject({ state: 'done', resumed: 0 });
    expect(abandoned).toMatchObject({ state: 'abandoned', endedAt: expect.any(String) });
    // The message that was to go on with the old one finds nothing to do.
    after.messages.push(...before.messages.filter(({ type }) => type === 'continue'));
    const calls = await callsOf(() => after.worker.handle({ v: 1, ...before.messages.at(-1) }));
    expect(calls).toEqual({});
  });
});

describe('a hub', () => {
  const refusal: Answer<QueryPage> = {
    ok: false,
    problem: { type: 'refused', status: 400, message: '400 no such word' },
  };

  it('that does not take the query has the modules walked instead, and the row says so', async () => {
    const [broken, fine] = [newDeviceId('refused'), newDeviceId('refused')];
    world.add(broken, { Agent: { ...good, mode: 'Off' } });
    world.add(fine, { Agent: good });
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        hub,
        (query) => query.includes('IS_STRING'),
        () => refusal,
      );
    const row = await world.sweeping([agent], { throughHub }).sweep();
    expect(row).toMatchObject({ state: 'done', found: 1, changed: 1 });
    expect(row.walked).toEqual([expect.stringMatching(/agent.*no such word/)]);
    expect(await historyOf(broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('that does not take the scope in a count has its devices searched all the same', async () => {
    const [inside, outside] = [newDeviceId('in'), newDeviceId('out')];
    world.add(inside, {}, { tags: { plant: 1 } });
    world.add(outside, {}, { tags: { plant: 2 } });
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        hub,
        (query) => query.includes('tags.plant'),
        () => refusal,
      );
    const row = await world.sweeping([{ ...agent, appliesTo: { tags: { plant: 1 } } }], { throughHub }).sweep();
    expect(row).toMatchObject({ state: 'done', changed: 1 });
    expect(modulesOf(inside)).toEqual(['Agent']);
    expect(modulesOf(outside)).toEqual([]);
  });

  it('that refuses everything about one policy does not keep the others from being swept', async () => {
    const other = definePolicy({ name: 'other', module: 'Other', desired: { a: 1 } });
    const deviceId = newDeviceId('refused');
    world.add(deviceId, { Agent: good, Other: { a: 2 } });
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        hub,
        (query) => query.includes("'Agent'"),
        () => refusal,
      );
    const sweeping = world.sweeping([agent, other], { throughHub });
    const row = await sweeping.sweep();
    expect(row).toMatchObject({ state: 'done', changed: 1 });
    expect(row.walked.join()).toContain('agent');
    expect(sweeping.said.filter(({ level }) => level === 'error')).not.toEqual([]);
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'a', 'enforced']]);
  });

  it('whose continuation has expired is asked from the first page on', async () => {
    const devices = Array.from({ length: 5 }, () => newDeviceId('expired'));
    for (const deviceId of devices) world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    let refused = 0;
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        inPagesOf(2, hub),
        (_, continuation) => continuation === '4' && refused++ === 0,
        () => refusal,
      );
    const sweeping = world.sweeping([agent], { throughHub });
    await sweeping.run();
    expect(sweeping.parts().flatMap((part) => part.devices)).toEqual(devices);
  });

  it('that has no room has the sweep pause for as long as it says, and then go on', async () => {
    const deviceId = newDeviceId('throttled');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    let throttled = 0;
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        hub,
        () => throttled++ === 1,
        () => ({ ok: false, problem: { type: 'throttled', message: '429', retryAfter: 42_000 } }),
      );
    const sweeping = world.sweeping([agent], { throughHub });
    expect(await sweeping.run()).toMatchObject({ state: 'paused', why: '429', delay: 42 });
    expect(sweeping.delays.at(-1)).toBe(42);
    await sweeping.work();
    expect(await sweeping.store.list(5)).toMatchObject([{ state: 'done', resumed: 1, changed: 1 }]);
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('that does not answer has the sweep pause, too', async () => {
    const throughHub = (hub: SweepWorld['door']) =>
      atQueries(
        hub,
        () => true,
        () => ({ ok: false, problem: { type: 'transient', message: 'no answer' } }),
      );
    const end = await world.sweeping([agent], { throughHub }).run();
    expect(end).toMatchObject({ state: 'paused' });
    expect('delay' in end && end.delay).toBeGreaterThan(0);
  });

  it('with configurations that compete has them in the row, in the guards’ notes and in one warning', async () => {
    await world.operator.addConfiguration({
      id: 'winter-tuning',
      schemaVersion: '1.0',
      priority: 1,
      targetCondition: "FROM devices.modules WHERE moduleId = 'Agent'",
      content: { moduleContent: { 'properties.desired.mode': 'Off', 'properties.desired.timeout': 5000 } },
    } as never);
    await world.operator.addConfiguration({
      id: 'harmless',
      schemaVersion: '1.0',
      priority: 1,
      targetCondition: 'FROM devices.modules',
      content: { moduleContent: { 'properties.desired.mode': 'Low' } },
    } as never);
    const sweeping = world.sweeping([agent]);
    const row = await sweeping.sweep();
    expect(row.competing.length).toBeGreaterThan(0);
    for (const sentence of row.competing) expect(sentence).toContain('winter-tuning');
    expect(new Set(sweeping.noted.competing)).toEqual(new Set(['winter-tuning']));
    expect(sweeping.said.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('whose configurations may not be read is swept all the same', async () => {
    const sweeping = world.sweeping([agent], {
      throughHub: (hub) =>
        intercepted(hub, (call) =>
          call === 'listConfigurations'
            ? Promise.resolve({ ok: false, problem: { type: 'refused', status: 403, message: '403' } })
            : undefined,
        ),
    });
    expect(await sweeping.sweep()).toMatchObject({ state: 'done', competing: [] });
    expect(sweeping.said.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('what cannot be mended now', () => {
  const throttledUpdates = (times: number) => {
    let left = times;
    return (hub: SweepWorld['door']) =>
      intercepted(hub, (call) =>
        call === 'patchDesired' && left-- > 0
          ? Promise.resolve({ ok: false, problem: { type: 'throttled', message: '429 later' } })
          : undefined,
      );
  };

  it('is tried again with growing delays, and the row says how many', async () => {
    const [one, other] = [newDeviceId('later'), newDeviceId('later')];
    for (const deviceId of [one, other]) world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent], { throughHub: throttledUpdates(3), attempts: 5 });
    await sweeping.run();
    await sweeping.worker.handle({ v: 1, ...sweeping.messages.shift() });
    expect(sweeping.parts()).toMatchObject([{ attempt: 1, devices: [one, other] }]);
    expect(await openOf(one)).toEqual([['wrongValue', 'mode', 'deferred']]);
    await sweeping.work();
    expect(sweeping.delays.slice(1)).toEqual([1, 2]);
    for (const deviceId of [one, other])
      expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
    const [row] = await sweeping.store.list(1);
    expect(row).toMatchObject({ examined: 2, found: 2, changed: 2, deferred: 2, parts: 1, partsDone: 1 });
  });

  it('is left to the next sweep after the last try', async () => {
    const deviceId = newDeviceId('later');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent], { throughHub: throttledUpdates(3), attempts: 3 });
    await sweeping.sweep();
    expect(sweeping.messages).toEqual([]);
    expect(sweeping.said.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', message: expect.stringMatching(/1 devices? .*next sweep.*429 later/) },
    ]);
    expect(await openOf(deviceId)).toEqual([['wrongValue', 'mode', 'deferred']]);
    const next = await world.sweeping([agent]).sweep();
    expect(next).toMatchObject({ found: 1, changed: 1 });
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('for want of budget goes back into the queue as it was, before anything is written down', async () => {
    const deviceId = newDeviceId('budget');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    let wait = 60_000;
    const throughHub = (hub: SweepWorld['door']): SweepWorld['door'] =>
      new Proxy(hub, {
        get: (target, key) =>
          key === 'lane'
            ? (...args: Parameters<typeof hub.lane>) => throughHub(target.lane(...args))
            : key === 'waitFor'
              ? () => wait
              : Reflect.get(target, key),
      });
    const sweeping = world.sweeping([agent], { throughHub });
    await sweeping.run();
    const [part] = sweeping.parts();
    const calls = await callsOf(() => sweeping.worker.handle({ v: 1, ...sweeping.messages.shift() }));
    expect(calls).toEqual({});
    expect(sweeping.messages).toEqual([part]);
    expect(sweeping.delays.at(-1)).toBeGreaterThanOrEqual(60);
    expect(await world.history(deviceId)).toEqual([]);
    wait = 0;
    await sweeping.work();
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('because a guard holds it back is found again by the next sweep, in the same row', async () => {
    const deviceId = newDeviceId('held');
    world.add(deviceId, { Agent: { ...good, mode: 'Off' } });
    const guard = {
      review: async ({ departures }: { departures: readonly never[] }) =>
        new Map(departures.map((its) => [its, 'not now'])),
    };
    await world.sweeping([agent], { guard: guard as never }).sweep();
    expect(await openOf(deviceId)).toEqual([['wrongValue', 'mode', 'heldBack']]);
    const row = await world.sweeping([agent]).sweep();
    expect(row).toMatchObject({ found: 1, changed: 1 });
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });
});

describe('a part of work', () => {
  it('that comes twice changes nothing the second time, and counts once', async () => {
    const [missing, broken] = [newDeviceId('twice'), newDeviceId('twice')];
    world.add(missing);
    world.add(broken, { Agent: { ...good, mode: 'Off' } });
    const sweeping = world.sweeping([agent]);
    await sweeping.run();
    const parts = sweeping.messages.slice();
    await sweeping.work();
    const before = await Promise.all([missing, broken].map((id) => world.history(id)));
    sweeping.messages.push(...parts, ...parts);
    const calls = await callsOf(() => sweeping.work());
    expect(calls).toEqual({ twinRead: 4 });
    expect(await Promise.all([missing, broken].map((id) => world.history(id)))).toEqual(before);
    expect((await sweeping.store.list(1))[0]).toMatchObject({ found: 2, changed: 2, parts: 2, partsDone: 2 });
  });

  it('about a module that no policy is about any more is done without a call', async () => {
    const deviceId = newDeviceId('old');
    world.add(deviceId, { Agent: {} });
    const sweeping = world.sweeping([{ ...agent, module: 'Another' }]);
    const at = new Date().toISOString();
    const calls = await callsOf(async () => {
      for (const finding of ['suspect', 'missing'] as const) {
        const part = { type: 'part', sweepId: 'x', part: `1-${finding}`, moduleId: 'Agent', finding, at } as const;
        await sweeping.worker.handle({ v: 1, ...part, devices: [deviceId], attempt: 0 });
      }
    });
    expect(calls).toEqual({});
    expect(await world.history(deviceId)).toEqual([]);
  });

  it('that is none is refused', async () => {
    await expect(world.sweeping([agent]).worker.handle({ v: 1, type: 'else' })).rejects.toThrow(TypeError);
  });
});
