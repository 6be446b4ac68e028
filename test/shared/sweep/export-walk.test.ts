import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { definePolicy, exactly } from '../../../shared/policy/index.ts';
import type { BlobFolder, BlobFolders } from '../../../shared/storage/index.ts';
import { createJobFolders } from '../../../shared/sweep/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepInstance, type SweepOptions, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';
import { jobContainers, killAt, withJobs, workThroughKills } from './job-faults.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await endJobs();
  await world.clear();
});

async function setPace(pace: object): Promise<void> {
  await fetch(`${world.hub.controlUrl}/jobs`, { method: 'PUT', body: JSON.stringify(pace) });
}

const minute = 60_000;
const hour = 3600_000;

/** A policy that queries cannot express. */
const custom = definePolicy({
  name: 'custom',
  module: 'Agent',
  evaluate: ({ desired: { properties } }) =>
    properties.polling === true && properties.interval === undefined ? [{ path: 'interval', expected: 100 }] : [],
});

/** Adds devices that break the policy, and as many that comply. Returns the ids of the broken ones. */
function addFleet(count = 4): readonly string[] {
  return Array.from({ length: count }, () => {
    const [broken, compliant] = [newDeviceId('broken'), newDeviceId('compliant')];
    world.add(broken, { Agent: { polling: true } });
    world.add(compliant, { Agent: { polling: true, interval: 100 }, Other: { polling: true } });
    return broken;
  });
}

function newInstance(options: SweepOptions & { readonly policies?: Parameters<SweepWorld['newInstance']>[0] } = {}) {
  const { policies = [custom], ...others } = options;
  return world.newInstance(policies, { clock: new MovableClock(), exportAbove: 0, walkHours: 24, ...others });
}

/** Cancels the jobs and removes the blobs of earlier tests. */
async function endJobs(): Promise<void> {
  const jobs = await world.hubClient.jobs.list();
  for (const { id } of jobs.ok ? jobs.value : []) await world.hubClient.jobs.cancel(id);
  const folders = createJobFolders(world.storage, () => new Date());
  for await (const { name } of folders.list()) await folders.remove(name);
  await setPace({ seconds: 0, linesPerSecond: 0 });
}

/** Waits until the hub runs no job. */
async function jobsEnd(): Promise<void> {
  await vi.waitFor(async () => {
    const { responseBody } = await world.operator.listJobs();
    const states = (responseBody as unknown as { readonly status: string }[]).map(({ status }) => status);
    expect(states.filter((status) => status === 'enqueued' || status === 'running')).toEqual([]);
  });
}

/** Makes a sweep that starts the job, waits for the job, and makes the sweep that reads the export. Returns the rows of both. */
async function sweepTwice(instance: SweepInstance) {
  const first = await instance.sweep();
  await jobsEnd();
  instance.clock.pass(15 * minute);
  return [first, await instance.sweep()] as const;
}

async function histories(devices: readonly string[]) {
  return Promise.all(devices.map((deviceId) => world.briefHistory(deviceId)));
}

const enforced = (devices: readonly string[]) => devices.map(() => [['custom', 'interval', 'enforced']]);

const readByQueries = /read with queries, and not from an export job of the hub/;

/** Wraps the folders of blobs, to change or observe the calls of each folder. */
function throughFolders(change: (folder: BlobFolder) => Partial<BlobFolder>): BlobFolders {
  const folders = createJobFolders(world.storage, () => new Date());
  return {
    ...folders,
    async open(name) {
      const folder = await folders.open(name);
      return { ...folder, ...change(folder) };
    },
  };
}

describe('a walk by an export job', () => {
  it('finds each broken twin without a query for twins, and removes the blob', async () => {
    const devices = addFleet();
    let text = '';
    const folders = throughFolders((folder) => ({
      async read(...args) {
        const bytes = await folder.read(...args);
        text += bytes.toString();
        return bytes;
      },
    }));
    const instance = newInstance({ folders });
    const calls = await world.callsDuring(async () => {
      const [first, second] = await sweepTwice(instance);
      expect(first).toMatchObject({ changed: 0, examined: 0, warnings: [] });
      expect(first.walked).toEqual([
        expect.stringMatching(
          /evaluate.*Later sweeps read an export of the twins, which the hub writes since .*, and no full/,
        ),
      ]);
      expect(second).toMatchObject({ changed: 4, found: 4, warnings: [] });
      expect(second.walked).toEqual([expect.stringMatching(/The full read of 8 twins from an export, .* ended at/)]);
    });
    expect(text).toContain('"primaryKey":null');
    expect(text).not.toMatch(/Key":"/);
    // Only the broken twins are read.
    expect(calls).toMatchObject({ twinRead: 4, twinUpdate: 4 });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
    instance.clock.pass(15 * minute);
    expect((await instance.sweep()).walked).toEqual([expect.stringContaining('read none of them')]);
  });

  it('lets the process do other work after some twins, because custom code may be slow', async () => {
    addFleet(300);
    let calls = 0;
    const { evaluate } = custom;
    const counting: typeof custom = {
      ...custom,
      evaluate: (...args) => {
        calls++;
        return evaluate?.(...args) ?? [];
      },
    };
    const instance = newInstance({ policies: [counting] });
    await instance.sweep();
    await jobsEnd();
    calls = 0;
    const callsOfTurns: number[] = [];
    const turn = () => {
      callsOfTurns.push(calls);
      calls = 0;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    await instance.run();
    clearImmediate(next);
    expect(callsOfTurns.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(600);
    expect(Math.max(...callsOfTurns)).toBeLessThanOrEqual(200);
  });

  it('is done once for all policies of a sweep', async () => {
    addFleet();
    const other = definePolicy({
      name: 'other',
      module: 'Other',
      evaluate: ({ desired }) => (desired.properties.done === true ? [] : [{ path: 'done', expected: true }]),
    });
    const devices = definePolicy({
      name: 'devices',
      appliesTo: { tags: { site: 'x' } },
      evaluate: ({ desired }) => (desired.properties.done === true ? [] : [{ path: 'done', expected: true }]),
    });
    const inScope = newDeviceId('site');
    world.add(inScope, {}, { tags: { site: 'x' } });
    let started = 0;
    const instance = newInstance({
      policies: [custom, other, devices],
      throughHub: (hub) =>
        withJobs(hub, {
          startExport: (url) => {
            started++;
            return hub.jobs.startExport(url);
          },
        }),
    });
    const [, second] = await sweepTwice(instance);
    // Of the nine device twins, only the one in the scope is a candidate.
    expect(second).toMatchObject({ changed: 9, warnings: [] });
    expect(started).toBe(1);
    expect(await world.briefHistory(inScope)).toEqual([['custom', 'done', 'enforced']]);
  });

  it('reads a few twins with queries at once', async () => {
    const devices = addFleet();
    const calls = await world.callsDuring(() => newInstance({ exportAbove: 8 }).sweep());
    expect(calls).not.toHaveProperty('job');
    expect(await histories(devices)).toEqual(enforced(devices));
  });

  it('reads all twins with queries at once when a person starts the sweep', async () => {
    const devices = addFleet();
    const instance = newInstance();
    await instance.sweep();
    await jobsEnd();
    expect(await instance.sweep('manual')).toMatchObject({ changed: 4 });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });

  it('changes a twin only after a read, which may show that it is right again', async () => {
    const devices = addFleet();
    const instance = newInstance();
    await instance.sweep();
    await jobsEnd();
    for (const deviceId of devices) await world.patchAgent(deviceId, { interval: 5 });
    expect(await instance.sweep()).toMatchObject({ changed: 0, found: 0, examined: 12 });
    expect(await histories(devices)).toEqual(devices.map(() => []));
  });

  describe('that is larger than a sweep can read in one run', () => {
    /** Adds twins of more than eight megabytes. Returns the ids of the first and the last device, which are broken. */
    function addLargeFleet(): readonly string[] {
      const first = addFleet(1);
      const filler = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`filler${index}`, 'ü'.repeat(2000)]));
      for (let index = 0; index < 340; index++) world.add(newDeviceId('large'), { Agent: filler });
      return [...first, ...addFleet(1)];
    }

    /** An instance that has time for one page of the export in each run of a sweep. */
    function slowInstance() {
      const clock = new MovableClock();
      const reads: number[] = [];
      const folders = throughFolders((folder) => ({
        read: (blob, from, count) => {
          reads.push(from);
          clock.pass(5 * minute);
          return folder.read(blob, from, count);
        },
      }));
      return { reads, instance: newInstance({ clock, folders }) };
    }

    it('pauses at the deadline and goes on at the same byte', async () => {
      const broken = addLargeFleet();
      const { instance, reads } = slowInstance();
      await instance.sweep();
      await jobsEnd();
      const row = await instance.sweep();
      expect(row).toMatchObject({ resumed: 3, changed: 2, warnings: [] });
      expect(row.walked).toEqual([expect.stringContaining('The full read of 344 twins')]);
      expect(reads).toHaveLength(3);
      expect(reads).toEqual([...new Set(reads)].toSorted((a, b) => a - b));
      expect(await histories(broken)).toEqual(enforced(broken));
      expect(await jobContainers(world)).toEqual([]);
    });

    it('is read with queries from the start when the setting turns to queries in the middle', async () => {
      const broken = addLargeFleet();
      const { instance } = slowInstance();
      await instance.sweep();
      await jobsEnd();
      await instance.run();
      const later = newInstance({ exportAbove: Number.POSITIVE_INFINITY, clock: instance.clock });
      const row = await later.sweep();
      expect(row.resumed).toBe(1);
      expect(row.walked).toEqual([expect.stringContaining('The full read of 344 twins ended')]);
      expect(await histories(broken)).toEqual(enforced(broken));
      expect(await jobContainers(world)).toEqual([]);
    });
  });

  it('waits while the hub runs a job of somebody else, and takes queries after an hour', async () => {
    const devices = addFleet();
    await setPace({ seconds: 36_000 });
    await world.operator.exportDevicesToBlob('https://storage.invalid/mine', true);
    const instance = newInstance();
    for (let past = 0; past < 60; past += 15) {
      expect(await instance.sweep()).toMatchObject({ changed: 0, warnings: [] });
      instance.clock.pass(15 * minute);
    }
    expect(await instance.sweep()).toMatchObject({ warnings: [expect.stringMatching(/queries.*JobQuotaExceeded/)] });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });

  it('waits longer for an import job of its own', async () => {
    const devices = addFleet();
    await setPace({ seconds: 36_000 });
    const folders = createJobFolders(world.storage, () => new Date());
    const folder = await folders.open('backfill');
    const blocker = await world.hubClient.jobs.startImport(await folder.sharedUrl(1));
    if (!blocker.ok) throw new Error(blocker.problem.message);
    const instance = newInstance({ folders });
    await instance.sweep();
    instance.clock.pass(5 * hour);
    expect(await instance.sweep()).toMatchObject({ changed: 0, warnings: [] });
    await world.hubClient.jobs.cancel(blocker.value);
    await folders.remove('backfill');
    await setPace({ seconds: 0 });
    const [, second] = await sweepTwice(instance);
    expect(second).toMatchObject({ changed: 4, warnings: [] });
    expect(await histories(devices)).toEqual(enforced(devices));
  });

  it('gives a job six hours from its start, also when it had to wait for another job', async () => {
    const devices = addFleet();
    await setPace({ seconds: 360_000 });
    const folders = createJobFolders(world.storage, () => new Date());
    const folder = await folders.open('backfill');
    const blocker = await world.hubClient.jobs.startImport(await folder.sharedUrl(1));
    if (!blocker.ok) throw new Error(blocker.problem.message);
    const instance = newInstance();
    await instance.sweep();
    instance.clock.pass(5 * hour);
    await world.hubClient.jobs.cancel(blocker.value);
    await folders.remove('backfill');
    await jobsEnd();
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      expect(await instance.sweep()).toMatchObject({ changed: 0, warnings: [] });
      instance.clock.pass(3 * hour);
    }
    instance.clock.pass(minute);
    expect(await instance.sweep()).toMatchObject({ warnings: [expect.stringMatching(/did not end within 6 hours/)] });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
    await jobsEnd();
  });

  it('is removed, with its job, when the setting turns to queries', async () => {
    const devices = addFleet();
    await setPace({ seconds: 36_000 });
    const instance = newInstance();
    await instance.sweep();
    expect(await jobContainers(world)).toHaveLength(1);
    const later = newInstance({ exportAbove: Number.POSITIVE_INFINITY });
    await later.sweep();
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
    await jobsEnd();
  });
});

describe('what an export does not have', () => {
  const asks = definePolicy({
    name: 'custom',
    module: 'Agent',
    // Reads the version of some twins, and the metadata of none.
    evaluate: ({ desired: { properties }, version }) =>
      properties.polling === true && version > 0 ? [{ path: 'interval', expected: 100 }] : [],
  });

  it('is read from the twins, where a policy asks for it in few of them', async () => {
    const curious = definePolicy({
      name: 'custom',
      module: 'Agent',
      evaluate: (twin) =>
        twin.desired.properties.interval === undefined && twin.version > 0 ? [{ path: 'interval', expected: 100 }] : [],
    });
    const devices = addFleet();
    const calls = await world.callsDuring(() => sweepTwice(newInstance({ policies: [curious] })));
    expect(calls).toMatchObject({ twinRead: 4, twinUpdate: 4 });
    expect(await histories(devices)).toEqual(enforced(devices));
  });

  it('makes queries read the twins, also the next day, where a policy asks for it in many of them', async () => {
    for (let index = 0; index < 120; index++) world.add(newDeviceId('many'), { Agent: { polling: false } });
    const instance = newInstance({ policies: [asks] });
    const calls = await world.callsDuring(async () => {
      const [, second] = await sweepTwice(instance);
      expect(second.warnings).toEqual([expect.stringMatching(readByQueries)]);
      expect(second.walked).toEqual([expect.stringContaining('The full read of 120 twins ended')]);
    });
    expect(calls).not.toHaveProperty('twinRead');
    instance.clock.pass(24 * hour);
    expect(await instance.sweep()).toMatchObject({
      warnings: [],
      walked: [expect.stringContaining('The full read of 120 twins ended')],
    });
  });

  it('is no reason to miss a report that the agent refused its configuration', async () => {
    const reporting = definePolicy({
      name: 'reporting',
      module: 'Agent',
      desired: { section: exactly({ deep: true }), mode: 'High' },
      reported: { mirrors: true, graceMinutes: 60 },
    });
    const [late, silent] = [newDeviceId('late'), newDeviceId('silent')];
    for (const deviceId of [late, silent]) world.add(deviceId, { Agent: { section: { deep: true }, mode: 'High' } });
    world.hub.registry.report({ deviceId: late, moduleId: 'Agent' }, { mode: 'Low' });
    const instance = newInstance({ policies: [reporting] });
    // The grace period is not over. Only a read can tell, because an export has no times of writes.
    const calls = await world.callsDuring(() => sweepTwice(instance));
    expect(calls).toMatchObject({ twinRead: 1 });
    expect(await world.briefHistory(late)).toEqual([]);
    instance.clock.pass(24 * hour);
    await sweepTwice(instance);
    expect(await world.briefHistory(late)).toEqual([['notReported', 'mode', 'audited']]);
    expect(await world.briefHistory(silent)).toEqual([]);
  });
});

describe('a walk takes queries, and says why once,', () => {
  it.each<[string, (hub: Hub) => Partial<Hub['jobs']>]>([
    [
      'when the identity has no right to jobs',
      () => ({
        startExport: async () => ({
          ok: false,
          problem: { type: 'refused', status: 401, message: 'jobs/write is missing' },
        }),
      }),
    ],
    [
      'when the job fails',
      () => ({
        read: async (id) => ({ ok: true, value: { id, state: 'failed', failure: 'no access to the container' } }),
      }),
    ],
  ])('%s', async (_, jobs) => {
    const devices = addFleet();
    const [first, second] = await sweepTwice(newInstance({ throughHub: (hub) => withJobs(hub, jobs(hub)) }));
    expect([...first.warnings, ...second.warnings]).toEqual([expect.stringMatching(readByQueries)]);
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });

  const fail = async (): Promise<never> => {
    throw new Error('no right to blobs');
  };
  it.each<[string, (folder: BlobFolder) => Partial<BlobFolder>]>([
    ['when the address of the container cannot be signed', () => ({ sharedUrl: fail })],
    ['when the blob cannot be read', () => ({ read: fail })],
    ['when there is no blob', () => ({ size: async () => undefined })],
    ['when the blob is cut off', (folder) => ({ size: async (blob) => Number(await folder.size(blob)) - 10 })],
    ['when the blob lacks twins', () => ({ size: async () => 0 })],
    [
      'when a line is too long',
      () => ({ size: async () => 5 * 1024 * 1024, read: async () => Buffer.alloc(4194304, 'x') }),
    ],
  ])('%s', async (_, change) => {
    const devices = addFleet();
    const [first, second] = await sweepTwice(newInstance({ folders: throughFolders(change) }));
    expect([...first.warnings, ...second.warnings]).toEqual([expect.stringMatching(readByQueries)]);
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });

  it('when the hub does not tell the state of the job for six hours', async () => {
    const devices = addFleet();
    const problem = { type: 'transient', message: '500 not now' } as const;
    const throughHub = (hub: Hub) => withJobs(hub, { read: async () => ({ ok: false, problem }) });
    const instance = newInstance({ throughHub });
    expect(await instance.sweep()).toMatchObject({ changed: 0, warnings: [] });
    instance.clock.pass(6 * hour - minute);
    expect(await instance.sweep()).toMatchObject({ changed: 0, warnings: [] });
    instance.clock.pass(2 * minute);
    expect(await instance.sweep()).toMatchObject({ warnings: [expect.stringMatching(/6 hours: 500 not now/)] });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });

  it('when the app was away for more than a day while the job ran', async () => {
    const devices = addFleet();
    const instance = newInstance();
    await instance.sweep();
    instance.clock.pass(25 * hour);
    expect(await instance.sweep()).toMatchObject({ changed: 4, warnings: [expect.stringMatching(/is too old/)] });
    expect(await histories(devices)).toEqual(enforced(devices));
    expect(await jobContainers(world)).toEqual([]);
  });
});

describe('an export whose container cannot be removed', () => {
  it('is removed by a later sweep', async () => {
    addFleet();
    const folders = createJobFolders(world.storage, () => new Date());
    let isBroken = true;
    const instance = newInstance({
      folders: {
        ...folders,
        remove: async (name) => {
          if (isBroken) throw new Error('no right to remove containers');
          await folders.remove(name);
        },
      },
    });
    await sweepTwice(instance);
    expect(await jobContainers(world)).toHaveLength(1);
    expect(instance.logged).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('a later sweep removes it') }),
    );
    isBroken = false;
    await instance.sweep();
    expect(await jobContainers(world)).toEqual([]);
  });
});

describe('a killed walk', () => {
  // Each call of the hub's jobs, the store and the folders is a place where a process can be killed.
  it.each([
    ['by an export job', 0],
    ['by queries', Number.POSITIVE_INFINITY],
  ])('%s finds each twin, records it once and leaves no blob', async (_, exportAbove) => {
    // Each run of the test takes another part of the places.
    const step = 24;
    for (let kill = 1 + Math.floor(Math.random() * step), isOver = false; !isOver; kill += step) {
      await world.clear();
      const devices = addFleet(2);
      const mortal = killAt(kill);
      const real = createJobFolders(world.storage, () => new Date());
      const wrapped = mortal.wrap({ open: real.open, remove: real.remove });
      const instance = newInstance({
        exportAbove,
        throughHub: (hub) => withJobs(hub, mortal.wrap(hub.jobs)),
        throughStore: (store) => ({ ...store, ...mortal.wrap(store) }),
        folders: { ...real, ...wrapped, open: async (name) => mortal.wrap(await wrapped.open(name)) as BlobFolder },
      });
      mortal.arm();
      for (let sweeps = 0; sweeps < 6; sweeps++) {
        try {
          await instance.run();
        } catch {
          // The lease of a killed sweep expires before the next sweep.
        }
        await workThroughKills(instance);
        await jobsEnd();
        instance.clock.pass(15 * minute);
      }
      isOver = !mortal.hasKilled();
      expect([kill, await histories(devices)]).toEqual([kill, enforced(devices)]);
      expect([kill, await jobContainers(world)]).toEqual([kill, []]);
      expect(kill).toBeLessThan(1000);
    }
  });
});
