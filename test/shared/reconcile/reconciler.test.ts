import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brief, newDeviceId, startWorld, type World } from '../../support/world.ts';
import { agent, settledDevice } from './settled-device.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe('a device without its module', () => {
  it('gets the module with the baseline, and a history row', async () => {
    const { deviceId } = await settledDevice(world);
    expect(await world.desiredOf(deviceId, 'Agent')).toEqual({
      mode: 'High',
      timeout: 100,
      section: { deep: { value: true }, interval: 'PT1H' },
    });
    expect(await world.history(deviceId)).toMatchObject([
      { kind: 'missingModule', policy: 'agent', outcome: 'created', source: 'event', hub: 'localhost' },
    ]);
  });

  it('shares one bulk call with the other devices of the batch', async () => {
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

  it('is only recorded by an auditing policy', async () => {
    const { deviceId } = await settledDevice(world, [{ ...agent, mode: 'audit' }]);
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'audited']]);
    await expect(world.desiredOf(deviceId, 'Agent')).rejects.toThrow('404');
  });

  it('gets the module again after somebody deletes it', async () => {
    const { deviceId, twinkeeper } = await settledDevice(world);
    await world.operator.removeModule(deviceId, 'Agent');
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId))).toEqual([
      ['missingModule', '', 'created'],
      ['missingModule', '', 'created'],
    ]);
  });

  it('is recorded as gone when the device is deleted first', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent]);
    await world.operator.create({ deviceId });
    const created = twinkeeper.newEvents();
    await world.operator.delete(deviceId);
    await twinkeeper.processor.process(created);
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId))).toEqual([['missingModule', '', 'gone']]);
  });

  it('gets the baseline when somebody else creates the module first', async () => {
    const deviceId = newDeviceId();
    const twinkeeper = world.withPolicies([agent]);
    await world.operator.create({ deviceId });
    const created = twinkeeper.newEvents();
    await world.operator.addModule({ deviceId, moduleId: 'Agent' });
    await twinkeeper.processor.process(created);
    await twinkeeper.settle();
    expect(brief(await world.history(deviceId)).toSorted()).toEqual([
      ['missingBaseline', '', 'enforced'],
      ['missingModule', '', 'healed'],
    ]);
  });

  it('gets a new module after the device is deleted and created again', async () => {
    const { deviceId, twinkeeper } = await settledDevice(world);
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
  ])(
    'with %s is repaired with one read and one patch, and has one row for each property',
    async (_, change, expected) => {
      const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
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
    },
  );

  it('costs no call when a change is compliant or touches no owned property', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
    await patch({ foreign: 1, section: { other: 'x' } });
    await patch({ mode: 'Low', section: { interval: 'PT2H' } });
    const before = await world.calls();
    await twinkeeper.settle();
    expect(await world.calls()).toEqual(before);
    expect(await world.history(deviceId)).toHaveLength(created);
  });

  it('keeps properties that no policy owns', async () => {
    const { deviceId, twinkeeper, patch } = await settledDevice(world);
    await patch({ foreign: { a: 1 }, section: { deep: { value: false, other: 2 } } });
    await twinkeeper.settle();
    expect(await world.desiredOf(deviceId, 'Agent')).toMatchObject({
      foreign: { a: 1 },
      section: { deep: { value: true, other: 2 } },
    });
  });

  it('is recorded as healed, without a call, when somebody repairs it first', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
    await patch({ mode: 'Off' });
    await patch({ mode: 'Low' });
    const before = await world.calls();
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([['wrongValue', 'mode', 'healed']]);
    expect(await world.calls()).toEqual(before);
  });

  it('has one row for each of two quick departures, in one batch or in two', async () => {
    for (const batches of [1, 2]) {
      const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
      await patch({ mode: 'Off' });
      const first = twinkeeper.newEvents();
      await patch({ mode: 'Never' });
      const second = twinkeeper.newEvents();
      if (batches === 1) await twinkeeper.processor.process([...first, ...second]);
      else for (const batch of [first, second]) await twinkeeper.processor.process(batch);
      await twinkeeper.settle();
      const rows = (await world.history(deviceId)).slice(created);
      expect(rows).toMatchObject([
        { actual: 'Off', outcome: 'superseded' },
        { actual: 'Never', outcome: 'enforced' },
      ]);
    }
  });

  it('has one row for a departure whose event arrives after the twin was read', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
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

  it('is recorded as gone when it is deleted first, and is created again', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
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

  it('is recorded as gone when its device is deleted first', async () => {
    const { deviceId, twinkeeper, patch, created } = await settledDevice(world);
    await patch({ mode: 'Off' });
    const first = twinkeeper.newEvents();
    await world.operator.delete(deviceId);
    await twinkeeper.processor.process(first);
    await twinkeeper.settle();
    expect(brief((await world.history(deviceId)).slice(created))).toEqual([['wrongValue', 'mode', 'gone']]);
  });

  it('has one audited row in audit mode, which is closed once somebody repairs the module', async () => {
    const { deviceId, twinkeeper, patch } = await settledDevice(world);
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

describe('a redelivery', () => {
  it('of processed events changes nothing and costs no call', async () => {
    const { deviceId, twinkeeper, patch } = await settledDevice(world);
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
