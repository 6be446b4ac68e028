import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from 'azure-iothub';
import { openRegistry } from '../../shared/hub/index.ts';
import { startServiceProcess } from '../local/service-process.ts';
import { benchEnvironment } from './apart.ts';
import { bundleChild } from './bundle-child.ts';
import type { FilledHubEndpoints } from './children/filled-hub.ts';

/** A local hub in a process of its own, so that neither its memory nor its work counts as those of its clients. */
export interface FilledHub extends FilledHubEndpoints {
  /** The SDK, as the hub's owner. */
  readonly operator: Registry;
  /** What `work` comes to, and how many calls the hub has answered meanwhile, whoever made them. */
  countCalls<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly calls: number }>;
  close(): Promise<void>;
}

/** Starts a hub that holds so many devices, each with the modules of `fleetModules`: a few seconds for every ten thousand. */
export async function startFilledHub(devices: number, folder: string): Promise<FilledHub> {
  const { endpoints, close } = await startServiceProcess<FilledHubEndpoints>({
    name: 'The filled hub',
    script: await bundleChild('filled-hub', folder),
    options: { folder: join(folder, `hub-${randomUUID()}`), devices },
    // A twin takes some ten thousand bytes, and so does what queries make of it.
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
