import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { workForMissingModule } from '../../../shared/reconcile/index.ts';
import { agentPolicy } from '../../support/agent-policy.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';
import { jobContainers, killAt, withJobs, workThroughKills } from './job-faults.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
  const body = JSON.stringify({ seconds: 0, linesPerSecond: 0 });
  await fetch(`${world.hub.controlUrl}/jobs`, { method: 'PUT', body });
});
afterAll(() => world.close());
beforeEach(() => world.clear());

/** Adds devices without the module. */
function addDevices(count: number): readonly string[] {
  const devices = Array.from({ length: count }, () => newDeviceId('late'));
  for (const deviceId of devices) world.add(deviceId);
  return devices;
}

/** The outcomes of all history rows of the devices, without those of the first sweep's trial. */
async function histories(devices: readonly string[]): Promise<readonly (readonly unknown[])[]> {
  return (await Promise.all(devices.map((deviceId) => world.briefHistory(deviceId)))).flat();
}

/** The desired properties of a module that the policy has created. */
const baseline = { mode: 'High', timeout: 100, label: 'plain', section: { deep: { value: true } } };

const created = (devices: readonly string[]) => devices.map(() => ['missingModule', '', 'created']);

describe('a backfill', () => {
  it('creates many missing modules by an import job, and records each', async () => {
    const devices = addDevices(250);
    const instance = world.newInstance([agentPolicy], { backfillAbove: 100 });
    const calls = await world.callsDuring(async () => {
      const row = await instance.sweep();
      expect(row).toMatchObject({ state: 'done', found: 250, changed: 250, warnings: [], waiting: 0 });
      expect(row.partsDone).toBe(row.parts);
    });
    expect(calls).not.toHaveProperty('bulk');
    expect(await histories(devices)).toEqual(created(devices));
    for (const deviceId of devices) expect(await world.desiredOf(deviceId, 'Agent')).toEqual(baseline);
    expect(await jobContainers(world)).toEqual([]);
    expect(await world.newInstance([agentPolicy]).sweep()).toMatchObject({ found: 0, parts: 0 });
  });

  it('makes bulk calls for few missing modules', async () => {
    const devices = addDevices(20);
    const calls = await world.callsDuring(() => world.newInstance([agentPolicy], { backfillAbove: 100 }).sweep());
    expect(calls).toMatchObject({ bulk: 1 });
    expect(calls).not.toHaveProperty('job');
    expect(await histories(devices)).toEqual(created(devices));
  });

  it('records what the job did with a device that was deleted, and with a module that somebody else created', async () => {
    const devices = addDevices(30);
    const [gone = '', taken = ''] = devices.slice(15);
    const instance = world.newInstance([agentPolicy], {
      backfillAbove: 10,
      throughHub: (hub) =>
        withJobs(hub, {
          async startImport(...args) {
            if (world.hub.registry.devices.has(gone)) {
              await world.operator.delete(gone);
              await world.operator.addModule({ deviceId: taken, moduleId: 'Agent' });
            }
            return hub.jobs.startImport(...args);
          },
        }),
    });
    await instance.sweep();
    expect(await world.briefHistory(gone)).toEqual([['missingModule', '', 'gone']]);
    expect(await world.briefHistory(taken)).toEqual([
      ['missingModule', '', 'healed'],
      ['missingBaseline', '', 'enforced'],
    ]);
    const others = devices.filter((id) => id !== gone && id !== taken);
    expect(await histories(others)).toEqual(created(others));
  });

  it('keeps one row where an event creates a module before the job', async () => {
    const devices = addDevices(30);
    const [early = ''] = devices.slice(20);
    const other = world.withPolicies([agentPolicy]);
    const instance = world.newInstance([agentPolicy], {
      backfillAbove: 10,
      throughHub: (hub) =>
        withJobs(hub, {
          async startImport(...args) {
            const write = { version: 0, at: new Date().toISOString(), exact: false };
            await other.reconciler.reconcile(
              [workForMissingModule(other.reconciler.policies, early, 'Agent', write)],
              'event',
            );
            return hub.jobs.startImport(...args);
          },
        }),
    });
    await instance.sweep();
    expect(await histories(devices)).toEqual(created(devices));
  });

  it.each<[string, Partial<Hub['jobs']>]>([
    [
      'the hub refuses jobs',
      {
        startImport: async () => ({
          ok: false,
          problem: { type: 'refused', status: 401, message: 'jobs/write is missing' },
        }),
      },
    ],
    [
      'the job fails',
      {
        read: async (id) => ({
          ok: true,
          value: { id, state: 'failed', failure: 'no access to the container' },
        }),
      },
    ],
    ['the trial creates modules without keys', { hasKeys: async () => ({ ok: true, value: false }) }],
  ])('makes bulk calls instead when %s, and says so', async (_, jobs) => {
    const devices = addDevices(30);
    await forgetTrial();
    const instance = world.newInstance([agentPolicy], { backfillAbove: 10, throughHub: (hub) => withJobs(hub, jobs) });
    const row = await instance.sweep();
    expect(row.warnings).toEqual([expect.stringMatching(/created with bulk calls, and not by an import job/)]);
    const rows = await histories(devices);
    expect(rows).toHaveLength(30);
    // The trial may have created some modules. They are recorded as created or healed, and never twice.
    expect(
      rows.every(([kind, path, outcome]) => kind === 'missingModule' && path === '' && outcome !== 'deferred'),
    ).toBe(true);
    for (const deviceId of devices) expect(await world.desiredOf(deviceId, 'Agent')).toEqual(baseline);
    expect(await jobContainers(world)).toEqual([]);
  });

  it('makes bulk calls when the lines cannot be written', async () => {
    const devices = addDevices(30);
    const instance = world.newInstance([agentPolicy], {
      backfillAbove: 10,
      folders: {
        open: async () => {
          throw new Error('no right to write blobs');
        },
        remove: async () => {},
        async *list() {},
      },
    });
    await instance.sweep();
    expect(await histories(devices)).toEqual(created(devices));
    expect(instance.logged).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('no right to write blobs') }),
    );
  });

  it('waits while the hub runs another job', async () => {
    const devices = addDevices(30);
    let busy = 3;
    const clock = new MovableClock();
    const instance = world.newInstance([agentPolicy], {
      clock,
      backfillAbove: 10,
      throughHub: (hub) =>
        withJobs(hub, {
          startImport: async (...args) =>
            busy-- > 0
              ? { ok: false, problem: { type: 'refused', status: 403, message: '403 ErrorCode:JobQuotaExceeded;' } }
              : hub.jobs.startImport(...args),
        }),
    });
    await instance.sweep();
    expect(instance.delays).toContain(60);
    expect(await histories(devices)).toEqual(created(devices));
  });
});

describe('a killed backfill', () => {
  // Each call of the hub's jobs and of the store is a place where a process can be killed. The queue then delivers the message again.
  it('leaves each module created once and recorded once', async () => {
    await forgetTrial();
    // Each run of the test takes another third of the places.
    for (let kill = 1 + Math.floor(Math.random() * 3), isOver = false; !isOver; kill += 3) {
      await world.clear();
      const devices = addDevices(12);
      const mortal = killAt(kill);
      const instance = world.newInstance([agentPolicy], {
        backfillAbove: 5,
        throughHub: (hub) => withJobs(hub, mortal.wrap(hub.jobs)),
        throughStore: (store) => ({
          ...store,
          ...mortal.wrap({
            putBackfill: store.putBackfill,
            replaceWorkItem: store.replaceWorkItem,
            recordWorkItem: store.recordWorkItem,
            saveBytes: store.saveBytes,
          }),
        }),
      });
      await instance.run();
      mortal.arm();
      await workThroughKills(instance);
      isOver = !mortal.hasKilled();
      expect([kill, await histories(devices)]).toEqual([kill, created(devices)]);
      expect([kill, await jobContainers(world)]).toEqual([kill, []]);
      expect(kill).toBeLessThan(200);
    }
  });
});

/** Makes the next backfill try the hub first. */
async function forgetTrial(): Promise<void> {
  await world.newInstance([agentPolicy]).store.writeMemo('import-trial', { at: new Date(0).toISOString(), text: '' });
}
