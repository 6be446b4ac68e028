import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from 'azure-iothub';
import { openRegistry } from '../../shared/hub/index.ts';
import { startServiceProcess } from '../local/service-parent.ts';
import { bundleChild } from './bundle-child.ts';
import type { FilledHubEndpoints } from './children/filled-hub.ts';
import { benchEnvironment } from './measure-in-child.ts';

/** A local hub in a child process, so that its memory and processor time do not count as the client's. */
export interface FilledHub extends FilledHubEndpoints {
  /** The SDK's client with the owner policy. */
  readonly operator: Registry;
  /** Runs `work`. Returns its result, and the number of calls from all clients meanwhile. */
  countCalls<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly calls: number }>;
  close(): Promise<void>;
}

/** Starts a hub with `devices` devices, each with the modules of `fleetModules`. Takes a few seconds for every 10,000 devices. */
export async function startFilledHub(devices: number, folder: string): Promise<FilledHub> {
  const { endpoints, close } = await startServiceProcess<FilledHubEndpoints>({
    name: 'The filled hub',
    script: await bundleChild('filled-hub', folder),
    options: { folder: join(folder, `hub-${randomUUID()}`), devices },
    // A twin takes about 10 kB, and so does its document in a query result.
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
