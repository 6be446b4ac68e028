import type { JsonObject } from '../twin/index.ts';
import type { NewModule } from './hub.ts';

/** Maximum number of entries of a bulk call. Source: "Bulk registry operations", `POST /devices`. */
const entriesPerCall = 100;

/** An entry of `POST /devices` that creates a module with its twin. The SDK's `addDevices` adds `id` and `importMode`. */
export interface BulkEntry {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly properties: { readonly desired: JsonObject };
}

/**
 * The bulk entry for a module. It has no authentication, so the hub generates symmetric keys, the only kind that the security agents
 * use.
 */
export function toBulkEntry({ deviceId, moduleId, tags, desired }: NewModule): BulkEntry {
  return { deviceId, moduleId, tags, properties: { desired } };
}

/**
 * Distributes modules over the smallest possible number of bulk calls. A call has at most 100 modules and no device twice. The modules of
 * one device keep their order.
 */
export function toBulkCalls(modules: readonly NewModule[]): readonly (readonly NewModule[])[] {
  const byDevice = [...Map.groupBy(modules, ({ deviceId }) => deviceId).values()];
  const mostOfOneDevice = byDevice.reduce((most, modulesOfDevice) => Math.max(most, modulesOfDevice.length), 0);
  const calls = Array.from(
    { length: Math.max(mostOfOneDevice, Math.ceil(modules.length / entriesPerCall)) },
    (): NewModule[] => [],
  );
  // Modules go to the calls in turn. The calls then have nearly equal sizes, and the modules of one device go to different calls.
  let next = 0;
  for (const modulesOfDevice of byDevice) {
    const callIndexes = modulesOfDevice.map(() => next++ % calls.length).toSorted((a, b) => a - b);
    for (const [index, module] of modulesOfDevice.entries()) calls[callIndexes[index] ?? 0]?.push(module);
  }
  return calls;
}
