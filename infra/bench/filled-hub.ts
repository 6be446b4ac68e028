import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from 'azure-iothub';
import { openRegistry } from '../../shared/hub/index.ts';
import { startServiceProcess } from '../local/service-parent.ts';
import { bundleChild } from './bundle-child.ts';
import type { FilledHubEndpoints } from './children/filled-hub.ts';
import { benchEnvironment } from './measure-in-child.ts';

/** A local hub in a child process. The memory and processor time of the hub are therefore not counted as those of its client. */
export interface FilledHub extends FilledHubEndpoints {
  /** A client of azure-iothub that has all rights on the hub (shared access policy `iothubowner`). */
  readonly operator: Registry;
  /** Runs `work`. Returns the result of `work`, and the number of calls that all clients made to the hub while `work` ran. */
  countCalls<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly calls: number }>;
  close(): Promise<void>;
}

/**
 * Starts a local hub with `devices` devices. Each device has the modules of `fleetModules`. The start takes a few seconds for every 10,000
 * devices.
 */
export async function startFilledHub(devices: number, folder: string): Promise<FilledHub> {
  const { endpoints, close } = await startServiceProcess<FilledHubEndpoints>({
    name: 'The filled hub',
    script: await bundleChild('filled-hub', folder),
    options: { folder: join(folder, `hub-${randomUUID()}`), devices },
    // The hub needs a large heap: each twin takes about 10 kB, and so does the twin's document in a query result.
    environment: { ...benchEnvironment(process.env), NODE_OPTIONS: '--max-old-space-size=8192' },
  });
  const ca = await readFile(endpoints.caFile, 'utf8');
  const operator = await openRegistry(
    { connectionString: endpoints.ownerConnectionString },
    { idleTimeout: 60_000, ca },
  );
  return {
    ...endpoints,
    operator,
    async countCalls(work) {
      await fetch(`${endpoints.controlUrl}/calls`, { method: 'DELETE' });
      const result = await work();
      const { total } = (await (await fetch(`${endpoints.controlUrl}/calls`)).json()) as { readonly total: number };
      return { result, calls: total };
    },
    close,
  };
}
