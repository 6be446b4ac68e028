import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHistory } from '../../../shared/drift/index.ts';
import { exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { MovableClock, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { brief, newDeviceId } from '../../support/world.ts';

const audit: PolicyDefinition = { name: 'agent', module: 'Agent', mode: 'audit', desired: { mode: exactly('High') } };

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const patch = (deviceId: string, desired: JsonObject) =>
  world.operator.updateModuleTwin(deviceId, 'Agent', { properties: { desired } }, '*');
const historyOf = async (deviceId: string) => brief(await world.history(deviceId));
const openOf = async (deviceId: string) => brief((await world.journal.read(deviceId)).open);
const listed = async () =>
  (await createHistory(world.storage, () => new Date()).open({}, 1000)).rows.map(({ deviceId }) => deviceId).toSorted();

/** Devices that are on record as out of line, and were set right when nobody heard of it. */
async function healedUnseen(count: number): Promise<readonly string[]> {
  const devices = Array.from({ length: count }, () => newDeviceId('unseen'));
  for (const deviceId of devices) world.add(deviceId, { Agent: { mode: 'Off' } });
  await world.sweeping([audit]).sweep();
  expect(await listed()).toEqual(devices.toSorted());
  for (const deviceId of devices) await patch(deviceId, { mode: 'High' });
  return devices;
}

describe('what was set right when no event told of it', () => {
  it('is looked at by the next sweep, and is open no more', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    const row = await world.sweeping([audit]).sweep();
    expect(row).toMatchObject({ examined: 1, found: 0, changed: 0 });
    expect(await openOf(deviceId)).toEqual([]);
    expect(await historyOf(deviceId)).toEqual([['wrongValue', 'mode', 'audited']]);
    expect(await listed()).toEqual([]);
  });

  it('is looked at in parts of one module each, and once', async () => {
    const devices = await healedUnseen(3);
    const sweeping = world.sweeping([audit]);
    await sweeping.run();
    expect(
      sweeping
        .parts()
        .flatMap((part) => part.devices)
        .toSorted(),
    ).toEqual(devices.toSorted());
    expect(sweeping.parts().map(({ moduleId, finding }) => `${moduleId} ${finding}`)).toContain('Agent suspect');
    await sweeping.work();
    expect(await listed()).toEqual([]);
    const next = world.sweeping([audit]);
    await next.run();
    expect(next.messages).toEqual([]);
  });

  it('does not have modules looked at twice that a query names', async () => {
    const deviceId = newDeviceId('open');
    world.add(deviceId, { Agent: { mode: 'Off' } });
    await world.sweeping([audit]).sweep();
    const row = await world.sweeping([audit]).sweep();
    expect(row).toMatchObject({ parts: 1, examined: 1, found: 1 });
    expect(await listed()).toEqual([deviceId]);
  });

  it('ends with a device that is gone', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    await world.operator.delete(deviceId);
    await world.sweeping([audit]).sweep();
    expect(await openOf(deviceId)).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  it('leaves rows alone whose module no policy is about any more', async () => {
    await healedUnseen(1);
    const row = await world.sweeping([{ ...audit, name: 'other', module: 'Other' }]).sweep();
    expect(row.parts).toBe(0);
  });

  it('costs no call of the hub where nothing is open', async () => {
    const deviceId = newDeviceId('fine');
    world.add(deviceId, { Agent: { mode: 'High' } });
    const row = await world.sweeping([audit]).sweep();
    expect(row).toMatchObject({ parts: 0, examined: 0 });
    // The configurations, the module that breaks the policy, and a count of devices.
    expect(row.hubCalls).toBeLessThanOrEqual(3);
  });

  it('is gone on with after a deadline, and every sweep comes to the end of a list of several pages', async () => {
    const devices = await healedUnseen(230);
    const sweeping = world.sweeping([audit]);
    await sweeping.run();
    expect(new Set(sweeping.parts().flatMap((part) => part.devices))).toEqual(new Set(devices));
  });
});

describe('the list of what is open', () => {
  it('loses what a crash has left there by mistake', async () => {
    const [deviceId = ''] = await healedUnseen(1);
    // As it is when the process ends after the row has its end, and before it leaves the list.
    const open = await openTable(world.storage, 'TwinkeeperOpen');
    const entries = [];
    for await (const entity of open.listEntities<Record<string, unknown>>()) entries.push(entity);
    await world.sweeping([audit]).sweep();
    for (const { etag: _, timestamp: __, ...entity } of entries) await open.createEntity(entity as never);
    expect(await listed()).toEqual([deviceId]);

    const clock = new MovableClock();
    const row = await world.sweeping([audit], { clock }).sweep();
    expect(row.parts).toBe(0);
    // It may be on its way still.
    expect(await listed()).toEqual([deviceId]);
    clock.pass(3600_000);
    await world.sweeping([audit], { clock }).sweep();
    expect(await listed()).toEqual([]);
  });
});
