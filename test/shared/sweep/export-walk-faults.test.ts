import { describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import type { BlobFolder } from '../../../shared/storage/index.ts';
import { createJobFolders } from '../../../shared/sweep/index.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import {
  addFleet,
  enforced,
  histories,
  hour,
  jobsEnd,
  minute,
  newInstance,
  readByQueries,
  sweepTwice,
  throughFolders,
  useExportWalk,
  world,
} from './export-walk-fixture.ts';
import { jobContainers, killAt, withJobs, workThroughKills } from './job-faults.ts';

useExportWalk();

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

  it('when the blob has no twins and the hub does not count them', async () => {
    const devices = addFleet();
    const refusal = { ok: false, problem: { type: 'refused', status: 400, message: '400 no' } } as const;
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('COUNT()'),
        () => refusal,
      );
    const folders = throughFolders(() => ({ size: async () => 0 }));
    const [first, second] = await sweepTwice(newInstance({ throughHub, folders }));
    const warnings = [...first.warnings, ...second.warnings];
    expect(warnings).toContainEqual(expect.stringMatching(/not from an export job of the hub: it has no twins of it/));
    expect(await histories(devices)).toEqual(enforced(devices));
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
