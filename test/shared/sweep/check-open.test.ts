import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHistory } from '../../../shared/drift/index.ts';
import { exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

const auditPolicy: PolicyDefinition = {
  name: 'agent',
  module: 'Agent',
  mode: 'audit',
  desired: { mode: exactly('High') },
};

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

/** Returns the ids of the devices in the list of open rows. */
const listedDevices = async () =>
  (await createHistory(world.storage, () => new Date()).open({}, 1000)).rows.map(({ deviceId }) => deviceId).toSorted();

/** Creates devices with open drift, and then repairs them without an event. Twinkeeper therefore still has their open rows. */
async function healedUnseen(count: number): Promise<readonly string[]> {
  const devices = Array.from({ length: count }, () => newDeviceId('unseen'));
  for (const deviceId of devices) world.add(deviceId, { Agent: { mode: 'Off' } });
  await world.newInstance([auditPolicy]).sweep();
  expect(await listedDevices()).toEqual(devices.toSorted());
  for (const deviceId of devices) await world.patchAgent(deviceId, { mode: 'High' });
  return devices;
}

describe('a sweep after drift was put right without an event', () => {
  it('examines the module and closes the drift', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    const row = await world.newInstance([auditPolicy]).sweep();
    expect(row).toMatchObject({ examined: 1, found: 0, changed: 0 });
    expect(await world.briefOpen(deviceId)).toEqual([]);
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'audited']]);
    expect(await listedDevices()).toEqual([]);
  });

  it('queues each module once, in work items about one module', async () => {
    const devices = await healedUnseen(3);
    const instance = world.newInstance([auditPolicy]);
    await instance.run();
    expect(
      instance
        .workItems()
        .flatMap((item) => item.devices)
        .toSorted(),
    ).toEqual(devices.toSorted());
    expect(instance.workItems().map(({ moduleId, finding }) => `${moduleId} ${finding}`)).toContain('Agent suspect');
    await instance.work();
    expect(await listedDevices()).toEqual([]);
    const next = world.newInstance([auditPolicy]);
    await next.run();
    expect(next.messages).toEqual([]);
  });

  it('queues a module only once if a query finds it too', async () => {
    const deviceId = newDeviceId('open');
    world.add(deviceId, { Agent: { mode: 'Off' } });
    await world.newInstance([auditPolicy]).sweep();
    const row = await world.newInstance([auditPolicy]).sweep();
    expect(row).toMatchObject({ parts: 1, examined: 1, found: 1 });
    expect(await listedDevices()).toEqual([deviceId]);
  });

  it('closes the drift of a device that was deleted', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    await world.operator.delete(deviceId);
    await world.newInstance([auditPolicy]).sweep();
    expect(await world.briefOpen(deviceId)).toEqual([]);
    expect(await listedDevices()).toEqual([]);
  });

  it('examines no module without a policy', async () => {
    await healedUnseen(1);
    const row = await world.newInstance([{ ...auditPolicy, name: 'other', module: 'Other' }]).sweep();
    expect(row.examined).toBe(0);
  });

  it('makes no extra hub call where no drift is open', async () => {
    const deviceId = newDeviceId('fine');
    world.add(deviceId, { Agent: { mode: 'High' } });
    // The first sweep of a day also asks for the ids of all modules.
    await world.newInstance([auditPolicy]).sweep();
    const row = await world.newInstance([auditPolicy]).sweep();
    expect(row).toMatchObject({ parts: 0, examined: 0 });
    // There is one call for the configurations, one for the modules that break the policy, and one for the count of devices.
    expect(row.hubCalls).toBeLessThanOrEqual(3);
  });

  it('reads all pages of a long list', async () => {
    const devices = await healedUnseen(230);
    const instance = world.newInstance([auditPolicy]);
    await instance.run();
    expect(new Set(instance.workItems().flatMap((item) => item.devices))).toEqual(new Set(devices));
  });
});

describe('the list of open drift', () => {
  it('loses a closed row that a crash left there', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    // Simulate a process that closed the row, and died before it removed the row from the list of open rows.
    const open = await openTable(world.storage, 'TwinkeeperOpen');
    const entries = [];
    for await (const entity of open.listEntities<Record<string, unknown>>()) entries.push(entity);
    await world.newInstance([auditPolicy]).sweep();
    for (const { etag: _, timestamp: __, ...entity } of entries) await open.createEntity(entity as never);
    expect(await listedDevices()).toEqual([deviceId]);

    const clock = new MovableClock();
    const row = await world.newInstance([auditPolicy], { clock }).sweep();
    expect(row.parts).toBe(0);
    // The closed row stays in the list while it is young, because another process may still be writing it.
    expect(await listedDevices()).toEqual([deviceId]);
    clock.pass(3600_000);
    await world.newInstance([auditPolicy], { clock }).sweep();
    expect(await listedDevices()).toEqual([]);
  });
});
