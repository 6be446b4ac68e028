import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportProperties } from '../../../infra/local/hub/control-endpoint.ts';
import { type Clock, systemClock } from '../../../shared/clock.ts';
import { isOpen } from '../../../shared/drift/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForDevice } from '../../../shared/reconcile/index.ts';
import { newDeviceId, quiet, startWorld, type World } from '../../support/world.ts';

const policy = definePolicy({
  name: 'agent',
  module: 'Agent',
  createModule: true,
  desired: { mode: 'High', interval: 5 },
  reported: { failure: { path: 'state', value: 'failed', fields: 'fields' }, graceMinutes: 60 },
});

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** A device whose module is there and right, seen by a Twinkeeper that lives some hours after it was written. */
async function someHoursLater(hours: number) {
  const deviceId = newDeviceId('silent');
  const twinkeeper = world.withPolicies([policy]);
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  const policies = toPolicySet([policy], { mode: 'enforce' });
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + hours * 3_600_000) };
  const reconciler = new Reconciler({ policies, hub: world.door, journal: world.journal, log: quiet, clock });
  return {
    agentReports: (patch: Readonly<Record<string, unknown>>) =>
      reportProperties(world.hub.controlUrl, { deviceId, moduleId: 'Agent' }, patch),
    operatorWrites: (desired: object) =>
      world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*'),
    settle: () => twinkeeper.settle(),
    look: async () => {
      const since = { version: 1, at: clock.now().toISOString(), exact: false };
      const [result] = await reconciler.reconcile([workForDevice(policies, deviceId, since)], 'sweep');
      return result;
    },
    rows: async () => (await world.history(deviceId)).filter(({ kind }) => kind === 'notReported'),
  };
}

describe('a configuration that the agent refuses', () => {
  it('is on record once, however often it is looked at, and no write is made for it', async () => {
    const device = await someHoursLater(2);
    await device.agentReports({ state: 'failed', fields: 'interval' });
    const before = await world.calls();
    for (let look = 0; look < 3; look++) await device.look();
    expect(await device.rows()).toMatchObject([
      {
        path: 'interval',
        outcome: 'audited',
        mode: 'audit',
        error: expect.stringContaining('invalid field: interval'),
      },
    ]);
    expect((await world.calls()).twinUpdate).toBe(before.twinUpdate);
  });

  it('is not on record while the agent has its grace', async () => {
    const device = await someHoursLater(0.5);
    await device.agentReports({ state: 'failed' });
    await device.look();
    expect(await device.rows()).toEqual([]);
  });

  it('is over once the agent takes it', async () => {
    const device = await someHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.look();
    expect((await device.rows()).map(isOpen)).toEqual([true]);
    await device.agentReports({ state: 'success' });
    await device.look();
    expect((await device.rows()).map(isOpen)).toEqual([false]);
  });

  it('is open again when it refuses the very same write once more', async () => {
    const device = await someHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.look();
    const [first] = await device.rows();
    await device.agentReports({ state: 'success' });
    await device.look();
    await device.agentReports({ state: 'failed' });
    expect(await device.look()).not.toHaveProperty('deferred');
    expect((await device.rows()).map((row) => [row.rowKey, row.outcome, isOpen(row)])).toEqual([
      [first?.rowKey, 'audited', true],
    ]);
  });

  it('is over with the event of its answer', async () => {
    const device = await someHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.look();
    await device.agentReports({ state: 'success' });
    await device.settle();
    expect((await device.rows()).map(isOpen)).toEqual([false]);
  });

  it('is another departure once something was written and it is refused still', async () => {
    const device = await someHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.look();
    await device.operatorWrites({ foreign: 1 });
    await device.look();
    expect((await device.rows()).map((row) => [row.outcome, isOpen(row)])).toEqual([
      ['audited', false],
      ['audited', true],
    ]);
  });
});
