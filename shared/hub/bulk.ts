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
  const calls: NewModule[][] = [];
  // Where each device's next module may go at the earliest, and before which call all are full.
  const nextCall = new Map<string, number>();
  let firstOpen = 0;
  for (const module of modules) {
    let index = Math.max(firstOpen, nextCall.get(module.deviceId) ?? 0);
    while ((calls[index]?.length ?? 0) >= entriesPerCall) index++;
    while (calls.length <= index) calls.push([]);
    calls[index]?.push(module);
    nextCall.set(module.deviceId, index + 1);
    while ((calls[firstOpen]?.length ?? 0) >= entriesPerCall) firstOpen++;
  }
  return calls.filter((call) => call.length > 0);
}
