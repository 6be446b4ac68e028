/** Runs the app's sweep and the walking sweep (the reference) on a filled hub. Each sweep runs in a child process. */
import { join } from 'node:path';
import { startAzurite } from '../local/azurite.ts';
import { functionAppFolder, projectRoot } from '../local/project.ts';
import { bundleChild } from './bundle-child.ts';
import type { AppSweepOptions, AppSweepResult } from './children/app-sweep.ts';
import type { WalkingSweepOptions, WalkingSweepResult } from './children/walking-sweep.ts';
import { type FilledHub, startFilledHub } from './filled-hub.ts';
import { unreachable } from './loaded-app.ts';
import { measureInChild } from './measure-in-child.ts';

/** A filled hub with a storage account of its own, and functions that run the two sweeps on it. */
export interface SweepSetup {
  readonly hub: FilledHub;
  /** Runs one whole sweep of the app's bundle. The app has its default settings, and the given `settings` in addition. */
  sweep(options?: Omit<AppSweepOptions, 'file'>, settings?: Readonly<Record<string, string>>): Promise<AppSweepResult>;
  /** Runs one walking sweep, the reference. */
  walk(): Promise<WalkingSweepResult>;
}

/**
 * Node options for measuring the heap. V8's young generation grows the longer a process runs. These options fix its size, so that the heaps
 * of long and short runs can be compared.
 */
const heapOptions = ['--expose-gc', '--max-semi-space-size=16'];

/** Starts a hub with `devices` devices, calls `work` with it, and stops the hub afterwards. */
export async function withFilledHub<T>(
  devices: number,
  folder: string,
  work: (setup: SweepSetup) => Promise<T>,
): Promise<T> {
  const azurite = await startAzurite();
  try {
    const hub = await startFilledHub(devices, folder);
    try {
      return await work({
        hub,
        sweep: async (options = {}, settings = {}) =>
          measureInChild<AppSweepResult>({
            child: await bundleChild('app-sweep', folder),
            options: { ...options, file: join(functionAppFolder(projectRoot()), 'main.cjs') } satisfies AppSweepOptions,
            settings: {
              ...unreachable,
              IOTHUB_CONNECTION_STRING: hub.twinkeeperConnectionString,
              AzureWebJobsStorage: azurite.endpoints.connectionString,
              NODE_EXTRA_CA_CERTS: hub.caFile,
              ...settings,
            },
            nodeOptions: options.sampling === undefined ? [] : heapOptions,
          }),
        walk: async () =>
          measureInChild<WalkingSweepResult>({
            child: await bundleChild('walking-sweep', folder),
            options: {
              connectionString: hub.ownerConnectionString,
              caFile: hub.caFile,
            } satisfies WalkingSweepOptions,
          }),
      });
    } finally {
      await hub.close();
    }
  } finally {
    await azurite.close();
  }
}
