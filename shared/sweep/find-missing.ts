import type { Policy } from '../policy/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Finding, type MissingSearch, withoutContinuation } from './checkpoint.ts';
import { IdSet } from './id-set.ts';
import { QueryRefused } from './interruption.ts';
import type { Progress } from './progress.ts';
import { countsAreComparable } from './steps.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { deviceIdsOf, idsSuffice, toDevice } from './twin-results.ts';
import {
  compileScope,
  countDevicesByIdQuery,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
} from './where/index.ts';

/** Milliseconds for which the result of a search stays valid while the counts do not change. */
const searchValidity = 24 * 3600_000;

/**
 * Counts a policy's devices. Where the policy creates its module, also finds the devices that lack the module: by counts, and by a search
 * only where the counts leave the question open.
 */
export async function findMissing(dependencies: SweepDependencies, progress: Progress, policy: Policy): Promise<void> {
  let { search } = progress.checkpoint;
  if (search === undefined) {
    const counts = await inconclusiveCounts(dependencies, progress, policy);
    if (counts === undefined) return;
    search = { among: 'modules', counts, missing: 0 };
    progress.checkpoint = { ...progress.checkpoint, search };
  }
  await searchFor(dependencies, progress, policy, search);
}

/**
 * Returns the counts as text where a search is needed. Returns `undefined` where no module can be missing, or where a recent search with
 * the same counts found none.
 */
async function inconclusiveCounts(
  { guardStore, store, clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
): Promise<string | undefined> {
  const devices = await progress.count(countDevicesQuery(policy));
  if (devices !== undefined) await guardStore.putDeviceCount(policy.name, devices);
  if (!policy.createModule) return undefined;
  const modules = await progress.count(countModulesQuery(policy));
  if (countsAreComparable(policy)) {
    return modules !== undefined && modules === devices ? undefined : JSON.stringify([devices, modules]);
  }
  // A query for modules cannot test the device's tags. But if all devices with these ids have the module, then so do those in the scope.
  const all = await progress.count(countDevicesByIdQuery(policy));
  if (modules !== undefined && modules === all) return undefined;
  // The result of a search holds for the same scope only. The definition of a predicate is unknown, so its result is never reused.
  const { definition } = policy.scope;
  const counts = JSON.stringify([devices, modules, all, policy.module, definition]);
  const last = definition === undefined ? undefined : await store.readMemo(policy.name);
  const isRecent = last !== undefined && clock.now().getTime() - Date.parse(last.at) < searchValidity;
  return isRecent && last.text === counts ? undefined : counts;
}

/** Lists the policy's modules and keeps a hash of each id. Then lists the devices: those without such a hash lack the module. */
async function searchFor(
  { store, clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  begun: MissingSearch,
): Promise<void> {
  const name = `present-${progress.checkpoint.step}`;
  const saved = await store.loadBytes(progress.sweepId, name);
  const present = saved === undefined ? new IdSet(progress.sweepId) : IdSet.fromBytes(progress.sweepId, saved);
  let search = begun;
  if (saved === undefined && (progress.checkpoint.continuation !== undefined || search.among === 'devices')) {
    // The set of modules is lost, so the search starts again.
    search = { ...search, among: 'modules', missing: 0 };
    progress.checkpoint = { ...withoutContinuation(progress.checkpoint), search, pending: [] };
  }
  if (search.among === 'modules') {
    // The checkpoint must never be ahead of the saved set: a page would be skipped whose modules are not in the set.
    progress.beforeSave(() => store.saveBytes(progress.sweepId, name, present.toBytes()));
    await progress.forEachPage(modulesQuery(policy), missingOf(policy), (items) => {
      for (const id of items.flatMap(deviceIdsOf)) present.add(id);
      return [];
    });
    progress.checkpoint = { ...progress.checkpoint, search: { ...search, among: 'devices' } };
    await progress.save();
    progress.beforeSave(undefined);
  }
  // A search takes long, so the counts from before it are out of date.
  progress.forgetCounts();
  await findDevicesWithout(progress, policy, present);
  // While a module is missing, the next sweep must search again.
  if (progress.checkpoint.search?.missing === 0) {
    await store.writeMemo(policy.name, { at: clock.now().toISOString(), text: search.counts });
  }
}

/** Lists the devices in the scope, and queues those that are not in `present`. */
async function findDevicesWithout(progress: Progress, policy: Policy, present: IdSet): Promise<void> {
  /** `isScopeTested`: whether the query and the device id decide alone that a device is in the scope. */
  const missingAmong = (isScopeTested: boolean) => (items: readonly JsonObject[]) => {
    const missing = items.flatMap((item) =>
      deviceIdsOf(item).filter(
        (id) => !present.has(id) && policy.scope.mayMatchId(id) && (isScopeTested || mayBeInScope(policy, item, id)),
      ),
    );
    const { search } = progress.checkpoint;
    if (search !== undefined) {
      progress.checkpoint = {
        ...progress.checkpoint,
        search: { ...search, missing: search.missing + missing.length },
      };
    }
    return missing;
  };
  const onlyIds = idsSuffice(policy);
  try {
    const query = devicesQuery(policy, onlyIds ? 'deviceId' : '*');
    await progress.forEachPage(query, missingOf(policy), missingAmong(onlyIds));
  } catch (error) {
    if (!(error instanceof QueryRefused) || compileScope(policy).condition === '') throw error;
    progress.addWalked(`The hub refused the scope of ${policy.name}: ${error.message}`);
    await progress.forEachPage('SELECT * FROM devices', missingOf(policy), missingAmong(policy.scope.usesIdOnly));
  }
}

/** True also where the scope's function throws: the reconciler records that error when it handles the device. */
function mayBeInScope(policy: Policy, item: JsonObject, deviceId: string): boolean {
  try {
    return policy.scope.matches(toDevice(item, deviceId));
  } catch {
    return true;
  }
}

function missingOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'missing' };
}
