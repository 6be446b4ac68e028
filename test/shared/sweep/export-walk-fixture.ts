/** What the tests of walks by export jobs share: a fleet, a policy that queries cannot express, and sweeps that wait for jobs. */
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { definePolicy } from '../../../shared/policy/index.ts';
import type { BlobFolder, BlobFolders } from '../../../shared/storage/index.ts';
import { createJobFolders } from '../../../shared/sweep/index.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepInstance, type SweepOptions, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

export let world: SweepWorld;

/** Starts the hub and the storage for the tests of a file. Before each test, removes what earlier tests left. */
export function useExportWalk(): void {
  beforeAll(async () => {
    world = await startSweepWorld();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await endJobs();
    await world.clear();
  });
}

export async function setPace(pace: object): Promise<void> {
  await fetch(`${world.hub.controlUrl}/jobs`, { method: 'PUT', body: JSON.stringify(pace) });
}

export const minute = 60_000;
export const hour = 3600_000;

/** A policy that queries cannot express. */
export const custom = definePolicy({
  name: 'custom',
  module: 'Agent',
  evaluate: ({ desired: { properties } }) =>
    properties.polling === true && properties.interval === undefined ? [{ path: 'interval', expected: 100 }] : [],
});

/** Adds devices that break the policy, and as many that comply. Returns the ids of the broken ones. */
export function addFleet(count = 4): readonly string[] {
  return Array.from({ length: count }, () => {
    const [broken, compliant] = [newDeviceId('broken'), newDeviceId('compliant')];
    world.add(broken, { Agent: { polling: true } });
    world.add(compliant, { Agent: { polling: true, interval: 100 }, Other: { polling: true } });
    return broken;
  });
}

export function newInstance(
  options: SweepOptions & { readonly policies?: Parameters<SweepWorld['newInstance']>[0] } = {},
) {
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
export async function jobsEnd(): Promise<void> {
  await vi.waitFor(async () => {
    const { responseBody } = await world.operator.listJobs();
    const states = (responseBody as unknown as { readonly status: string }[]).map(({ status }) => status);
    expect(states.filter((status) => status === 'enqueued' || status === 'running')).toEqual([]);
  });
}

/** Makes a sweep that starts the job, waits for the job, and makes the sweep that reads the export. Returns the rows of both. */
export async function sweepTwice(instance: SweepInstance) {
  const first = await instance.sweep();
  await jobsEnd();
  instance.clock.pass(15 * minute);
  return [first, await instance.sweep()] as const;
}

export async function histories(devices: readonly string[]) {
  return Promise.all(devices.map((deviceId) => world.briefHistory(deviceId)));
}

export const enforced = (devices: readonly string[]) => devices.map(() => [['custom', 'interval', 'enforced']]);

export const readByQueries = /read with queries, and not from an export job of the hub/;

/** Wraps the folders of blobs, to change or observe the calls of each folder. */
export function throughFolders(change: (folder: BlobFolder) => Partial<BlobFolder>): BlobFolders {
  const folders = createJobFolders(world.storage, () => new Date());
  return {
    ...folders,
    async open(name) {
      const folder = await folders.open(name);
      return { ...folder, ...change(folder) };
    },
  };
}
