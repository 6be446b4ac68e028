import { IdSet } from '../id-set.ts';
import type { Policy } from '../policy/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Finding, type MissingSearch, withoutContinuation } from './checkpoint.ts';
import { QueryRefused } from './interruption.ts';
import type { Progress } from './progress.ts';
import { countsAreComparable } from './steps.ts';
import type { Look } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { deviceIdsOf, idsSuffice, toDevice } from './twin-results.ts';
import {
  allDevicesQuery,
  compileScope,
  countDevicesByIdQuery,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
} from './where/index.ts';

/** Milliseconds for which a sweep reuses the result of an earlier search, as long as the counts do not change. */
const searchValidity = 24 * 3600_000;

/**
 * Counts a policy's devices. Where the policy creates its module, also finds the devices that lack the module. Compares the number of
 * devices with the number of modules first. Lists devices and modules only where a module may be missing.
 */
export async function findMissing(dependencies: SweepDependencies, progress: Progress, policy: Policy): Promise<void> {
  let { search } = progress.checkpoint;
  if (search === undefined) {
    const { look, inconclusive } = await compareCounts(dependencies, progress, policy);
    if (look !== undefined) progress.addLook(policy, 'modules', look);
    if (inconclusive === undefined) return;
    search = { among: 'modules', counts: inconclusive, missing: 0 };
    progress.checkpoint = { ...progress.checkpoint, search };
  }
  await searchFor(dependencies, progress, policy, search);
  progress.addLook(policy, 'modules', { how: 'read', at: progress.row.startedAt });
}

/**
 * Returns the counts as text (`inconclusive`) where a module may be missing, so that a search is needed. Returns a look where no module can be
 * missing, and the look of a recent search that found no missing module with the same counts. Equal counts alone verify nothing: one device may
 * have lost the module while a device outside the scope got it.
 */
async function compareCounts(
  { guardStore, store, clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
): Promise<{ readonly look?: Look; readonly inconclusive?: string }> {
  const verified = { look: { how: 'count', at: progress.row.startedAt } } as const;
  const devices = await progress.queries.count(countDevicesQuery(policy, progress.dialect));
  if (devices !== undefined) await guardStore.putDeviceCount(policy.name, devices);
  if (devices === 0 && compileScope(policy, progress.dialect).condition !== '') {
    progress.warn(`The scope of the policy ${policy.name} holds no device of the hub. Check appliesTo of the policy.`);
  }
  if (!policy.createModule) return {};
  const modules = await progress.queries.count(countModulesQuery(policy, progress.dialect));
  if (countsAreComparable(policy, progress.dialect)) {
    return modules !== undefined && modules === devices
      ? verified
      : { inconclusive: JSON.stringify([devices, modules]) };
  }
  // A query for modules cannot test the tags of their devices. So compare the modules with all devices whose id matches the scope. If each
  // of these devices has the module, each device in the scope has it too.
  const all = await progress.queries.count(countDevicesByIdQuery(policy, progress.dialect));
  if (modules !== undefined && modules === all) return verified;
  // A search result is valid only for the same scope. A scope that is a function cannot be compared, so its result is never reused.
  const { definition } = policy.scope;
  const counts = JSON.stringify([devices, modules, all, policy.module, definition]);
  const last = definition === undefined ? undefined : await store.readMemo(policy.name);
  const isRecent = last !== undefined && clock.now().getTime() - Date.parse(last.at) < searchValidity;
  return isRecent && last.text === counts ? { look: { how: 'read', at: last.at } } : { inconclusive: counts };
}

/**
 * Lists the modules of a policy, and keeps a hash of each device id. Then lists the devices. A device whose hash is not kept lacks the
 * module.
 */
async function searchFor(
  { store }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  begun: MissingSearch,
): Promise<void> {
  const name = `present-${progress.checkpoint.step}`;
  const saved = await store.loadBytes(progress.sweepId, name);
  const present = saved === undefined ? new IdSet(progress.sweepId) : IdSet.fromBytes(progress.sweepId, saved);
  let search = begun;
  if (saved === undefined && (progress.checkpoint.continuation !== undefined || search.among === 'devices')) {
    // The saved set of device ids is lost, so the search starts again.
    search = { ...search, among: 'modules', missing: 0 };
    progress.checkpoint = { ...withoutContinuation(progress.checkpoint), search, pending: [] };
  }
  if (search.among === 'modules') {
    // Save the set before the checkpoint. If only the checkpoint were saved before a crash, the set would lack the modules of some pages.
    progress.beforeSave(() => store.saveBytes(progress.sweepId, name, present.toBytes()));
    await progress.forEachPage(modulesQuery(policy, progress.dialect), missingOf(policy), (items) => {
      for (const id of items.flatMap(deviceIdsOf)) present.add(id);
      return [];
    });
    progress.checkpoint = { ...progress.checkpoint, search: { ...search, among: 'devices' } };
    await progress.save();
    progress.beforeSave(undefined);
  }
  // A search takes long. The counts from before the search are out of date now.
  progress.queries.forgetCounts();
  await findDevicesWithout(progress, policy, present);
  // Write the memo only where no module is missing. Otherwise the next sweep must search again.
  if (progress.checkpoint.search?.missing === 0) {
    await store.writeMemo(policy.name, { at: progress.row.startedAt, text: search.counts });
  }
}

/** Lists the devices in the scope, and queues the devices that are not in `present`, the set of devices with the module. */
async function findDevicesWithout(progress: Progress, policy: Policy, present: IdSet): Promise<void> {
  /**
   * `isScopeTested`: true where the query and the device id together test the whole scope. Otherwise the scope is tested on the device's
   * twin.
   */
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
    return missing.map((deviceId) => ({ deviceId }));
  };
  const onlyIds = idsSuffice(policy, progress.dialect);
  try {
    const query = devicesQuery(policy, !onlyIds, progress.dialect);
    await progress.forEachPage(query, missingOf(policy), missingAmong(onlyIds), policy);
  } catch (error) {
    if (!(error instanceof QueryRefused) || compileScope(policy, progress.dialect).condition === '') throw error;
    progress.addWalked(`The hub refused the scope of ${policy.name}: ${error.message}`);
    const find = missingAmong(policy.scope.usesIdOnly);
    await progress.forEachPage(allDevicesQuery, missingOf(policy), find, policy);
  }
}

/** Whether a device may be in the scope. Also returns true where the scope's function throws: the reconciler then records that error. */
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
