import type { JsonObject } from '../twin/index.ts';
import type { NewModule } from './hub.ts';

/** What a bulk call takes ("Bulk registry operations", `POST /devices`). */
const entriesPerCall = 100;

/** An entry of `POST /devices` that creates a module with its twin. `addDevices` puts `id` and `importMode` in their places. */
export interface BulkEntry {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly properties: { readonly desired: JsonObject };
}

/** Authentication is left out: the hub then generates symmetric keys, the only kind that the agents' own identities use. */
export function toBulkEntry({ deviceId, moduleId, tags, desired }: NewModule): BulkEntry {
  return { deviceId, moduleId, tags, properties: { desired } };
}

/** Shares modules out over as few calls as can be: 100 to a call, a device only once in each. Keeps the order of each device's modules. */
export function toBulkCalls(modules: readonly NewModule[]): readonly (readonly NewModule[])[] {
  const byDevice = [...Map.groupBy(modules, ({ deviceId }) => deviceId).values()];
  const mostOfOneDevice = byDevice.reduce((most, its) => Math.max(most, its.length), 0);
  const calls = Array.from(
    { length: Math.max(mostOfOneDevice, Math.ceil(modules.length / entriesPerCall)) },
    (): NewModule[] => [],
  );
  // Dealt out in turns, calls fill evenly, and no device comes to the same call twice.
  let turn = 0;
  for (const its of byDevice) {
    const turns = its.map(() => turn++ % calls.length).toSorted((a, b) => a - b);
    for (const [index, module] of its.entries()) calls[turns[index] ?? 0]?.push(module);
  }
  return calls;
}
