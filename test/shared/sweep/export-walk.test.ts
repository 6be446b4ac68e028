import { describe, expect, it } from 'vitest';
import { definePolicy, exactly } from '../../../shared/policy/index.ts';
import { createJobFolders } from '../../../shared/sweep/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { newDeviceId } from '../../support/world.ts';
import {
  addFleet,
  custom,
  enforced,
  histories,
  hour,
  jobsEnd,
  minute,
  newInstance,
  readByQueries,
  setPace,
  sweepTwice,
  throughFolders,
  useExportWalk,
  world,
} from './export-walk-fixture.ts';
import { jobContainers, withJobs } from './job-faults.ts';

useExportWalk();

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
