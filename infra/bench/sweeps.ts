/** Both ways to sweep a hub, ours and the one that walks, each in a process of its own. */
import { join } from 'node:path';
import { startAzurite } from '../local/azurite.ts';
import { functionAppFolder, projectRoot } from '../local/project.ts';
import { measureApart } from './apart.ts';
import { bundleChild } from './bundle-child.ts';
import type { AppSweepOptions, AppSweepResult } from './children/app-sweep.ts';
import type { WalkingSweepOptions, WalkingSweepResult } from './children/walking-sweep.ts';
import { type FilledHub, startFilledHub } from './filled-hub.ts';
import { unreachable } from './loaded-app.ts';

/** A filled hub and storage of its own. */
export interface SweepField {
  readonly hub: FilledHub;
  /** One sweep of ours from beginning to end: the deployed bundle, with the settings that it has by default but for `settings`. */
  sweep(options?: Omit<AppSweepOptions, 'file'>, settings?: Readonly<Record<string, string>>): Promise<AppSweepResult>;
  /** One sweep that walks. */
  walk(): Promise<WalkingSweepResult>;
}

/**
 * For a heap that is watched. V8 enlarges its young generation the longer a process runs, whatever there is in it; in one size, long and short
 * runs can be compared.
 */
const watchable = ['--expose-gc', '--max-semi-space-size=16'];

/** Gives a hub with so many devices to `work`, and ends it afterwards. */
export async function onFilledHub<T>(
  devices: number,
  folder: string,
  work: (field: SweepField) => Promise<T>,
): Promise<T> {
  const azurite = await startAzurite();
  try {
    const hub = await startFilledHub(devices, folder);
    try {
      return await work({
        hub,
        sweep: async (options = {}, settings = {}) =>
          measureApart<AppSweepResult>({
            child: await bundleChild('app-sweep', folder),
            options: { ...options, file: join(functionAppFolder(projectRoot()), 'main.cjs') } satisfies AppSweepOptions,
            settings: {
              ...unreachable,
              IOTHUB_CONNECTION_STRING: hub.twinkeeperConnectionString,
              AzureWebJobsStorage: azurite.endpoints.connectionString,
              NODE_EXTRA_CA_CERTS: hub.caFile,
              ...settings,
            },
            nodeOptions: options.sampling === undefined ? [] : watchable,
          }),
        walk: async () =>
          measureApart<WalkingSweepResult>({
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
