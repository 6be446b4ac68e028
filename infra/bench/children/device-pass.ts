/**
 * Runs passes over one device, and sends the largest heap size during the passes to the parent process. Needs Node's option `--expose-gc`.
 */
import { createJournal } from '../../../shared/drift/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { Reconciler, workForModule } from '../../../shared/reconcile/index.ts';
import { toTwin } from '../../../shared/twin/index.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { HeapWatch } from '../heap-watch.ts';

const { connectionString, deviceId, moduleId, passes } = givenOptions<{
  readonly connectionString: string;
  readonly deviceId: string;
  readonly moduleId: string;
  /** Number of passes during which the heap is measured. */
  readonly passes: number;
}>();

const desired = { mode: 'High', $version: 200_000 };
const twin = toTwin({ deviceId, moduleId, etag: 'AAAA', version: 1, properties: { desired } }, deviceId, moduleId);
if (twin === undefined) throw new Error('The bench has no valid twin.');
/** A hub with one compliant module. A pass reads the module and changes nothing. */
const hub = { name: 'bench-hub', readTwin: async () => ({ ok: true, value: twin }) } as unknown as Hub;
const policies = toPolicySet([definePolicy({ name: 'agent', module: moduleId, desired: { mode: 'High' } })], {
  mode: 'enforce',
});
const log = { info: () => {}, warn: () => {}, error: console.error };
const reconciler = new Reconciler({ policies, hub, journal: createJournal({ connectionString }), log });

async function pass(id: string): Promise<void> {
  const write = { version: 1, at: new Date().toISOString(), exact: false };
  const [result] = await reconciler.reconcile([workForModule(policies, id, moduleId, write)], 'sweep');
  if (result?.deferred !== undefined) throw new Error(`The pass over ${id} was deferred: ${result.deferred}`);
}

// The first pass loads modules that the app imports on first use. It is not measured.
await pass('unknown-device');
const watch = new HeapWatch('withoutGarbage');
for (let number = 0; number < passes; number++) await pass(deviceId);
sendResult(watch.end());
