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

/** Creates a device with a compliant module, and a reconciler whose clock is `hours` hours ahead. */
async function deviceHoursLater(hours: number) {
  const deviceId = newDeviceId('silent');
  const twinkeeper = world.withPolicies([policy]);
  await world.operator.create({ deviceId });
  await twinkeeper.settle();
  const policies = toPolicySet([policy], { mode: 'enforce' });
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + hours * 3_600_000) };
  const reconciler = new Reconciler({ policies, hub: world.hubClient, journal: world.journal, log: quiet, clock });
  return {
    agentReports: (patch: Readonly<Record<string, unknown>>) =>
      reportProperties(world.hub.controlUrl, { deviceId, moduleId: 'Agent' }, patch),
    operatorWrites: (desired: object) =>
      world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*'),
    settle: () => twinkeeper.settle(),
    /** Reconciles the device as a sweep does. */
    sweep: async () => {
      const write = { version: 1, at: clock.now().toISOString(), exact: false };
      const [result] = await reconciler.reconcile([workForDevice(policies, deviceId, write)], 'sweep');
      return result;
    },
    rows: async () => (await world.history(deviceId)).filter(({ kind }) => kind === 'notReported'),
  };
}

describe('a configuration that the agent refuses', () => {
  it('has one row after several sweeps, and causes no write', async () => {
    const device = await deviceHoursLater(2);
    await device.agentReports({ state: 'failed', fields: 'interval' });
    const before = await world.calls();
    for (let times = 0; times < 3; times++) await device.sweep();
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

  it('has no row during the grace period', async () => {
    const device = await deviceHoursLater(0.5);
    await device.agentReports({ state: 'failed' });
    await device.sweep();
    expect(await device.rows()).toEqual([]);
  });

  it('is closed by a sweep after the agent accepts it', async () => {
    const device = await deviceHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.sweep();
    expect((await device.rows()).map(isOpen)).toEqual([true]);
    await device.agentReports({ state: 'success' });
    await device.sweep();
    expect((await device.rows()).map(isOpen)).toEqual([false]);
  });

  it('is open again after the agent refuses the same write again', async () => {
    const device = await deviceHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.sweep();
    const [first] = await device.rows();
    await device.agentReports({ state: 'success' });
    await device.sweep();
    await device.agentReports({ state: 'failed' });
    expect(await device.sweep()).not.toHaveProperty('deferred');
    expect((await device.rows()).map((row) => [row.rowKey, row.outcome, isOpen(row)])).toEqual([
      [first?.rowKey, 'audited', true],
    ]);
  });

  it('is closed by the event of the accepting report', async () => {
    const device = await deviceHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.sweep();
    await device.agentReports({ state: 'success' });
    await device.settle();
    expect((await device.rows()).map(isOpen)).toEqual([false]);
  });

  it('is another departure after a further write that is refused too', async () => {
    const device = await deviceHoursLater(5);
    await device.agentReports({ state: 'failed' });
    await device.sweep();
    await device.operatorWrites({ foreign: 1 });
    await device.sweep();
    expect((await device.rows()).map((row) => [row.outcome, isOpen(row)])).toEqual([
      ['audited', false],
      ['audited', true],
    ]);
  });
});
