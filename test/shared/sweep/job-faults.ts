/** Faults for tests of the hub's jobs: replaced answers, and a process that is killed at one of its calls. */
import { BlobServiceClient } from '@azure/storage-blob';
import type { Hub } from '../../../shared/hub/index.ts';
import type { SweepInstance, SweepWorld } from '../../support/sweep-world.ts';

/** The names of the containers that the app shares with the hub. */
export async function jobContainers({ storage }: Pick<SweepWorld, 'storage'>): Promise<readonly string[]> {
  const service = BlobServiceClient.fromConnectionString(storage.connectionString);
  const names: string[] = [];
  for await (const { name } of service.listContainers({ prefix: 'twinkeeper-job-' })) names.push(name);
  return names;
}

/** Replaces some calls of the hub's jobs. */
export function withJobs(hub: Hub, jobs: Partial<Hub['jobs']>): Hub {
  return new Proxy(hub, {
    get(target, key) {
      if (key === 'jobs') return { ...target.jobs, ...jobs };
      if (key === 'lane') return (...args: Parameters<Hub['lane']>) => withJobs(target.lane(...args), jobs);
      return Reflect.get(target, key) as unknown;
    },
  });
}

/** Throws once, before or after one of the wrapped calls. */
export function killAt(nth: number) {
  let calls = 0;
  let killed = false;
  let isArmed = false;
  const isNow = () => {
    if (!isArmed) return false;
    calls += 1;
    if (killed || calls !== nth) return false;
    killed = true;
    return true;
  };
  return {
    hasKilled: () => killed,
    /** Counts the calls from now on. */
    arm: () => {
      isArmed = true;
    },
    wrap<T extends object>(target: T): T {
      return Object.fromEntries(
        Object.entries(target).map(([name, method]) => [
          name,
          async (...args: unknown[]) => {
            if (isNow()) throw new Error(`killed before ${name}`);
            const value: unknown = await (method as (...all: unknown[]) => Promise<unknown>)(...args);
            if (isNow()) throw new Error(`killed after ${name}`);
            return value;
          },
        ]),
      ) as T;
    },
  };
}

/** Handles all messages of the queue. A message whose handling throws is handled again, as the queue does. */
export async function workThroughKills(instance: SweepInstance): Promise<void> {
  for (let message = instance.messages.shift(); message !== undefined; message = instance.messages.shift()) {
    try {
      await instance.worker.handle({ v: 1, ...message });
    } catch {
      instance.messages.push(message);
    }
  }
}
