import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { absent, between, byDefault, definePolicy, oneOf } from '../../../shared/policy/index.ts';
import { brief, newDeviceId, startWorld, type World } from '../../support/world.ts';

const agent = definePolicy({
  name: 'agent',
  module: 'Agent',
  createModule: true,
  desired: {
    mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
    timeout: between(60, 120, { otherwise: 100 }),
    section: { deep: { value: true }, interval: byDefault('PT1H') },
    legacy: absent(),
  },
});

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** A device whose module is there and right, and a reconciler that has seen all that led there. */
async function settled(definitions = [agent], name?: string) {
  const deviceId = newDeviceId(name);
  const twinkeeper = world.withPolicies(definitions);
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  const patch = (desired: unknown, moduleId = 'Agent') =>
    world.operator.updateModuleTwin(deviceId, moduleId, { properties: { desired } }, '*');
  return { deviceId, twinkeeper, patch, created: (await world.history(deviceId)).length };
}

describe('a device without its module', () => {
  it('gets it, with the baseline, and the history says so', async () => {
    const { deviceId } = await settled();
    expect(await world.desiredOf(deviceId, 'Agent')).toEqual({
      mode: 'High',
      timeout: 100,
      section: { deep: { value: true }, interval: 'PT1H' },
    });
    expect(await world.history(deviceId)).toMatchObject([
      { kind: 'missingModule', policy: 'agent', outcome: 'created', source: 'event', hub: 'localhost' },
    ]);
  });

  it('shares its bulk call with all others of the batch', async () => {
    const twinkeeper = world.withPolicies([agent, { ...agent, name: 'other', module: 'Other' }]);
    const devices = Array.from({ length: 100 }, () => newDeviceId());
    await world.operator.addDevices(devices.map((deviceId) => ({ deviceId })));
    const before = await world.calls();
    await twinkeeper.settle();
    const after = await world.calls();
    expect((after.bulk ?? 0) - (before.bulk ?? 0)).toBe(2);
    expect(after.twinRead).toBe(before.twinRead);
    for (const deviceId of devices) {
      expect(brief(await world.history(deviceId))).toEqual([
        ['missingModule', '', 'created'],
        ['missingModule', '', 'created'],
      ]);
    }
  });

  it('is left alone by a policy that only audits, and is on record', async () => {
    const { deviceId } = await settled([{ ...agent, mode: 'audit' }]);
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'audited']]);
    await expect(world.desiredOf(deviceId, 'Agent')).rejects.toThrow('404');
  });

  it('gets it again when somebody deletes it', async () => {
    const { deviceId, twinkeeper } = await settled();
    await world.operator.removeModule(deviceId, 'Agent');
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId))).toEqual([
      ['missingModule', '', 'created'],
      ['missingModule', '', 'created'],
    ]);
  });

  it('that is gone before we act is on record as gone', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent]);
    await world.operator.create({ deviceId });
    const created = twinkeeper.newEvents();
    await world.operator.delete(deviceId);
    await twinkeeper.processor.process(created);
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'gone']]);
  });

  it('is compared with the baseline when somebody else creates it first', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent]);
    await world.operator.create({ deviceId });
    const created = twinkeeper.newEvents();
    await world.operator.addModule({ deviceId, moduleId: 'Agent' });
    await twinkeeper.processor.process(created);
    await twinkeeper.settle();
    const rows = brief(await world.history(deviceId));
    expect(rows.filter(([kind]) => kind === 'missingModule')).toEqual([['missingModule', '', 'healed']]);
    expect(rows.filter(([kind]) => kind === 'missingProperty').map(([, , outcome]) => outcome)).toEqual(
      Array(4).fill('enforced'),
    );
  });

  it('that was deleted and created again gets a new one', async () => {
    const { deviceId, twinkeeper } = await settled();
    await world.operator.delete(deviceId);
    await world.operator.create({ deviceId });
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId))).toEqual([
      ['missingModule', '', 'created'],
      ['missingModule', '', 'created'],
    ]);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High' });
  });
});

describe('a drifted module', () => {
  it.each([
    ['a wrong value', { mode: 'Off' }, [['wrongValue', 'mode']]],
    ['a wrong type', { timeout: { seconds: 100 } }, [['wrongValue', 'timeout']]],
    ['a removed property', { mode: null }, [['missingProperty', 'mode']]],
    ['a forbidden property', { legacy: [1, 2] }, [['forbiddenProperty', 'legacy']]],
    [
      'a section set to null',
      { section: null },
      [
        ['missingProperty', 'section.deep.value'],
        ['missingProperty', 'section.interval'],
      ],
    ],
    [
      'a section replaced by a value',
      { section: 'none' },
      [
        ['missingProperty', 'section.deep.value'],
        ['missingProperty', 'section.interval'],
      ],
    ],
  ])('with %s is mended with one read and one patch, and recorded once', async (_, change, expected) => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch(change);
    const before = await world.calls();
    await twinkeeper.settle();
    const after = await world.calls();
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({
      mode: 'High',
      timeout: 100,
      section: { deep: { value: true }, interval: 'PT1H' },
    });
    expect(await world.desiredOf(deviceId, 'Agent')).not.toHaveProperty('legacy');
    const rows = (await world.history(deviceId)).slice(created);
    expect(rows.map((row) => [row.kind, row.path, row.outcome]).toSorted()).toEqual(
      expected.map(([kind, path]) => [kind, path, 'enforced']),
    );
    expect((after.twinRead ?? 0) - (before.twinRead ?? 0)).toBe(1);
    expect((after.twinUpdate ?? 0) - (before.twinUpdate ?? 0)).toBe(1);
  });

  it('costs no call when the change touches nothing that a policy owns, nor when it is right', async () => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch({ foreign: 1, section: { other: 'x' } });
    await patch({ mode: 'Low', section: { interval: 'PT2H' } });
    const before = await world.calls();
    await twinkeeper.settle();
    expect(await world.calls()).toEqual(before);
    expect(await world.history(deviceId)).toHaveLength(created);
  });

  it('keeps what no policy owns', async () => {
    const { deviceId, twinkeeper, patch } = await settled();
    await patch({ foreign: { a: 1 }, section: { deep: { value: false, other: 2 } } });
    await twinkeeper.settle();
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({
      foreign: { a: 1 },
      section: { deep: { value: true, other: 2 } },
    });
  });

  it('that was put right before we acted is on record as healed', async () => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch({ mode: 'Off' });
    await patch({ mode: 'Low' });
    const before = await world.calls();
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([['wrongValue', 'mode', 'healed']]);
    expect(await world.calls()).toEqual(before);
  });

  it('has a row for each of two departures in quick succession, in one batch or in two', async () => {
    for (const batches of [1, 2]) {
      const { deviceId, twinkeeper, patch, created } = await settled();
      await patch({ mode: 'Off' });
      const first = twinkeeper.newEvents();
      await patch({ mode: 'Never' });
      const second = twinkeeper.newEvents();
      if (batches === 1) await twinkeeper.processor.process([...first, ...second]);
      else for (const batch of [first, second]) await twinkeeper.processor.process(batch);
      await twinkeeper.settle();
      const rows = (await world.history(deviceId)).slice(created);
      expect(rows).toMatchObject([
        { actual: 'Off', outcome: 'healed' },
        { actual: 'Never', outcome: 'enforced' },
      ]);
    }
  });

  it('has one row for a departure whose event comes after it was seen in the twin', async () => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch({ timeout: 1 });
    const first = twinkeeper.newEvents();
    await patch({ mode: null });
    await patch({ section: { deep: { value: 0 } } });
    await twinkeeper.processor.process(first);
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created)).toSorted()).toEqual([
      ['missingProperty', 'mode', 'enforced'],
      ['wrongValue', 'section.deep.value', 'enforced'],
      ['wrongValue', 'timeout', 'enforced'],
    ]);
  });

  it('whose module is deleted before we act is on record as gone, and the module comes back', async () => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch({ mode: 'Off' });
    const first = twinkeeper.newEvents();
    await world.operator.removeModule(deviceId, 'Agent');
    await twinkeeper.processor.process(first);
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([
      ['wrongValue', 'mode', 'gone'],
      ['missingModule', '', 'created'],
    ]);
  });

  it('of a device that is deleted before we act is on record as gone', async () => {
    const { deviceId, twinkeeper, patch, created } = await settled();
    await patch({ mode: 'Off' });
    const first = twinkeeper.newEvents();
    await world.operator.delete(deviceId);
    await twinkeeper.processor.process(first);
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([['wrongValue', 'mode', 'gone']]);
  });

  it('is only recorded in audit mode, once, and closed when it is put right', async () => {
    const { deviceId, twinkeeper, patch } = await settled();
    const auditor = world.withPolicies([{ ...agent, mode: 'audit' }]);
    await patch({ mode: 'Off' });
    twinkeeper.newEvents();
    await auditor.settle();
    await patch({ timeout: 1, foreign: 2 });
    await auditor.settle();
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'Off', timeout: 1 });
    expect((await world.journal.read(deviceId)).open).toHaveLength(2);
    await patch({ mode: 'Low', timeout: 60 });
    await auditor.settle();
    expect((await world.journal.read(deviceId)).open).toEqual([]);
    expect((await world.history(deviceId)).slice(1)).toMatchObject([
      { path: 'mode', outcome: 'audited', closedAt: expect.any(String) },
      { path: 'timeout', outcome: 'audited', closedAt: expect.any(String) },
    ]);
  });
});

describe('trouble between read and write', () => {
  /** Runs something once, right before the first call of this name reaches the hub. */
  function interfereBefore(name: keyof Hub, interfere: () => Promise<unknown>) {
    let done = false;
    return (hub: Hub): Hub =>
      new Proxy(hub, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (key !== name || typeof value !== 'function') return value;
          return async (...args: unknown[]) => {
            if (!done) {
              done = true;
              await interfere();
            }
            return Reflect.apply(value, target, args) as unknown;
          };
        },
      });
  }

  it('a 412 leads to a second look, and both departures are enforced', async () => {
    const { deviceId, patch, created } = await settled();
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('patchDesired', () => patch({ timeout: 5 })),
    });
    await patch({ mode: null });
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([
      ['missingProperty', 'mode', 'enforced'],
      ['wrongValue', 'timeout', 'enforced'],
    ]);
  });

  it('a module deleted between read and patch is gone, and comes back', async () => {
    const { deviceId, patch, created } = await settled();
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('patchDesired', () => world.operator.removeModule(deviceId, 'Agent')),
    });
    await patch({ mode: 'Off' });
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([
      ['wrongValue', 'mode', 'gone'],
      ['missingModule', '', 'created'],
    ]);
  });

  it('a module created by somebody else right before the bulk call is looked at instead', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('createModules', () => world.operator.addModule({ deviceId, moduleId: 'Agent' })),
    });
    await world.operator.create({ deviceId });
    await twinkeeper.settle();
    const rows = brief(await world.history(deviceId));
    expect(rows).toContainEqual(['missingModule', '', 'healed']);
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({ mode: 'High', timeout: 100 });
  });

  it('one device that is gone does not keep its neighbours in the bulk call from their modules', async () => {
    const devices = Array.from({ length: 5 }, () => newDeviceId());
    const twinkeeper = world.withPolicies([agent], {
      throughHub: interfereBefore('createModules', () => world.operator.delete(String(devices[2]))),
    });
    await world.operator.addDevices(devices.map((deviceId) => ({ deviceId })));
    await twinkeeper.settle();
    const outcomes = await Promise.all(
      devices.map(async (deviceId) => (await world.history(deviceId)).map((row) => row.outcome)),
    );
    expect(outcomes).toEqual([['created'], ['created'], ['gone'], ['created'], ['created']]);
  });
});

describe('redelivery', () => {
  it('of everything, after everything, changes nothing and costs nothing', async () => {
    const { deviceId, twinkeeper, patch } = await settled();
    await patch({ mode: 'Off' });
    await patch({ section: null });
    await patch({ timeout: 1 });
    await world.operator.removeModule(deviceId, 'Agent');
    const events = twinkeeper.newEvents();
    await twinkeeper.processor.process(events);
    await twinkeeper.settle();
    const history = await world.history(deviceId);
    const before = await world.calls();
    await twinkeeper.processor.process(events);
    for (const event of events) await twinkeeper.processor.process([event]);
    expect(await world.history(deviceId)).toEqual(history);
    expect(await world.calls()).toEqual(before);
  });
});
