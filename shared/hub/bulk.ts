import type { JsonObject } from '../twin/index.ts';
import type { NewModule } from './hub.ts';

/** Maximum number of entries in one bulk call. Source: "Bulk registry operations", `POST /devices`. */
export const mostEntries = 100;

/**
 * One entry of a bulk call (`POST /devices`). The entry creates a module with its twin. The SDK function `addDevices` adds the fields `id`
 * and `importMode`.
 */
export interface BulkEntry {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly properties: { readonly desired: JsonObject };
}

/**
 * Converts a module into an entry of a bulk call. The entry has no authentication, so the hub generates symmetric keys for the module. The
 * security agents use only this kind of key.
 */
export function toBulkEntry({ deviceId, moduleId, tags, desired }: NewModule): BulkEntry {
  return { deviceId, moduleId, tags, properties: { desired } };
}

/**
 * Distributes the modules over the smallest possible number of bulk calls. One call has at most `perCall` modules, and at most one module of
 * each device. The modules of one device keep their order.
 */
export function toBulkCalls(modules: readonly NewModule[], perCall: number): readonly (readonly NewModule[])[] {
  const byDevice = [...Map.groupBy(modules, ({ deviceId }) => deviceId).values()];
  const mostOfOneDevice = byDevice.reduce((most, modulesOfDevice) => Math.max(most, modulesOfDevice.length), 0);
  const calls = Array.from(
    { length: Math.max(mostOfOneDevice, Math.ceil(modules.length / perCall)) },
    (): NewModule[] => [],
  );
  // Each module goes to the call after the call of the previous module. The calls then have nearly equal sizes, and two modules of one
  // device are never in the same call.
  let next = 0;
  for (const modulesOfDevice of byDevice) {
    const callIndexes = modulesOfDevice.map(() => next++ % calls.length).toSorted((a, b) => a - b);
    for (const [index, module] of modulesOfDevice.entries()) calls[callIndexes[index] ?? 0]?.push(module);
  }
  return calls;
}
