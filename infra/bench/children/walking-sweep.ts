/**
 * The walking sweep: the reference that the app's sweep is compared with. Reads all twins of a hub, page by page, and checks each twin
 * against the policies that the app's sweep uses. Then reads and patches the modules with drift, one after the other. Sends the numbers of
 * modules and the duration.
 */
import { readFile } from 'node:fs/promises';
import { openRegistry } from '../../../shared/hub/index.ts';
import { plan } from '../../../shared/reconcile/index.ts';
import { isJsonObject, type JsonObject, toTwin } from '../../../shared/twin/index.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { policies } from '../fleet.ts';

export interface WalkingSweepOptions {
  readonly connectionString: string;
  readonly caFile: string;
}

export interface WalkingSweepResult {
  readonly devices: number;
  readonly modules: number;
  /** Number of modules that were repaired. */
  readonly repaired: number;
  /** Number of modules that are missing on their devices. */
  readonly missing: number;
  readonly pages: number;
  /** Duration of the walking sweep in milliseconds. */
  readonly ms: number;
}

/** Largest number of results that IoT Hub returns on one page of query results. */
const itemsPerPage = 1000;

const { connectionString, caFile } = givenOptions<WalkingSweepOptions>();
const registry = await openRegistry({ connectionString }, { idleTimeout: 120_000, ca: await readFile(caFile, 'utf8') });
const moduleIds = new Set(policies.all.map(({ module }) => module));

const from = performance.now();
let pages = 0;
let devices = 0;
for await (const page of pagesOf('SELECT * FROM devices')) devices += page.length;

let modules = 0;
const broken: (readonly [deviceId: string, moduleId: string])[] = [];
for await (const page of pagesOf('SELECT * FROM devices.modules')) {
  for (const document of page) {
    const { deviceId, moduleId } = document;
    if (typeof deviceId !== 'string' || typeof moduleId !== 'string' || !moduleIds.has(moduleId)) continue;
    modules++;
    if (patchFor(document, deviceId, moduleId) !== undefined) broken.push([deviceId, moduleId]);
  }
}

for (const [deviceId, moduleId] of broken) {
  const { responseBody } = await registry.getModuleTwin(deviceId, moduleId);
  const { etag, tags, properties, version } = responseBody as typeof responseBody & { readonly version: number };
  const desired = patchFor({ etag, tags, properties, version }, deviceId, moduleId);
  if (desired !== undefined) await registry.updateModuleTwin(deviceId, moduleId, { properties: { desired } }, etag);
}
const ms = performance.now() - from;

const missing = devices * moduleIds.size - modules;
sendResult({ devices, modules, repaired: broken.length, missing, pages, ms } satisfies WalkingSweepResult);

async function* pagesOf(query: string): AsyncGenerator<readonly JsonObject[]> {
  const pager = registry.createQuery(query, itemsPerPage);
  let continuation: string | undefined;
  do {
    // Always pass the continuation. When `next` is awaited without a continuation, `next` returns the first page again.
    const { result } = await pager.next(continuation as string);
    const items: unknown = result;
    pages++;
    yield Array.isArray(items) ? items.filter(isJsonObject) : [];
    continuation = pager.continuationToken || undefined;
  } while (continuation !== undefined);
}

/** The patch that repairs the desired properties of a module. `undefined` if the module is compliant. */
function patchFor(document: JsonObject, deviceId: string, moduleId: string): JsonObject | undefined {
  const twin = toTwin(document, deviceId, moduleId);
  if (twin === undefined) throw new Error(`The hub returned an invalid twin for ${deviceId}/${moduleId}.`);
  const device = { deviceId, tags: {}, edge: false };
  const { actions } = plan(policies.all, { device, twins: [{ moduleId, twin }] });
  return actions.find((action) => action.type === 'patchDesired')?.patch;
}
