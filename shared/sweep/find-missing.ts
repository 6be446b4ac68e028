import type { Policy } from '../policy/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { IdSet } from './id-set.ts';
import { QueryRefused } from './interruption.ts';
import { type Finding, type Progress, type Search, withoutContinuation } from './progress.ts';
import { countsAlike } from './steps.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { deviceIdsOf, isPlain, toDevice } from './twin-results.ts';
import {
  compileScope,
  countDevicesQuery,
  countLikeQuery,
  countModulesQuery,
  modulesQuery,
  scopeQuery,
} from './where/index.ts';

/** After so long without a change in the counts, a search is made all the same, in milliseconds. */
const searchAnyway = 24 * 3600_000;

/** Counts a policy's devices and, where it creates its module, finds those without: by counting, and only if that does not settle it by a search. */
export async function findMissing(parts: SweepDependencies, progress: Progress, policy: Policy): Promise<void> {
  let { search } = progress.place;
  if (search === undefined) {
    const counts = await countsThatDiffer(parts, progress, policy);
    if (counts === undefined) return;
    search = { among: 'modules', counts, missing: 0 };
    progress.place = { ...progress.place, search };
  }
  await searchFor(parts, progress, policy, search);
}

/** What was counted, as text, where it leaves open whether a module is missing. */
async function countsThatDiffer(
  { guardStore, store, clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
): Promise<string | undefined> {
  const devices = await progress.count(countDevicesQuery(policy));
  if (devices !== undefined) await guardStore.putDeviceCount(policy.name, devices);
  if (!policy.createModule) return undefined;
  const modules = await progress.count(countModulesQuery(policy));
  if (countsAlike(policy)) {
    return modules !== undefined && modules === devices ? undefined : JSON.stringify([devices, modules]);
  }
  // Tags of devices cannot be asked of modules. But where every device has the module, those in the scope have it, too.
  const all = await progress.count(countLikeQuery(policy));
  if (modules !== undefined && modules === all) return undefined;
  // What a search found is an answer to the same question only: another scope is another one, and nobody can look into a predicate.
  const { definition } = policy.scope;
  const counts = JSON.stringify([devices, modules, all, policy.module, definition]);
  const last = definition === undefined ? undefined : await store.recallMemo(policy.name);
  const isRecent = last !== undefined && clock.now().getTime() - Date.parse(last.at) < searchAnyway;
  return isRecent && last.text === counts ? undefined : counts;
}

/** Streams first the modules, keeping a hash of each, and then the devices: those that were not among the first lack the module. */
async function searchFor(
  { store, clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  begun: Search,
): Promise<void> {
  const name = `present-${progress.place.step}`;
  const saved = await store.loadBytes(progress.sweepId, name);
  const present = saved === undefined ? new IdSet(progress.sweepId) : IdSet.fromBytes(progress.sweepId, saved);
  let search = begun;
  if (saved === undefined && (progress.place.continuation !== undefined || search.among === 'devices')) {
    search = { ...search, among: 'modules', missing: 0 };
    progress.place = { ...withoutContinuation(progress.place), search, pending: [] };
  }
  if (search.among === 'modules') {
    // A page counts only together with the set that it was put into.
    progress.saveFirst(() => store.saveBytes(progress.sweepId, name, present.toBytes()));
    await progress.eachPage(modulesQuery(policy), missingOf(policy), (items) => {
      for (const id of items.flatMap(deviceIdsOf)) present.add(id);
      return [];
    });
    progress.place = { ...progress.place, search: { ...search, among: 'devices' } };
    await progress.keep();
    progress.saveFirst(undefined);
  }
  // A search takes its time; what was counted before it is old by then.
  progress.forgetCounts();
  await askWhoLacks(progress, policy, present);
  // As long as any is missing, the next sweep must search as well.
  if (progress.place.search?.missing === 0) {
    await store.keepMemo(policy.name, { at: clock.now().toISOString(), text: search.counts });
  }
}

/** Goes through the devices in the scope, and hands out those that are not among the present. */
async function askWhoLacks(progress: Progress, policy: Policy, present: IdSet): Promise<void> {
  const lacking = (knowsScope: boolean) => (items: readonly JsonObject[]) => {
    const missing = items.flatMap((item) =>
      deviceIdsOf(item).filter(
        (id) => !present.has(id) && policy.scope.mayMatchId(id) && (knowsScope || isInScope(policy, item, id)),
      ),
    );
    const { search } = progress.place;
    if (search !== undefined) {
      progress.place = { ...progress.place, search: { ...search, missing: search.missing + missing.length } };
    }
    return missing;
  };
  const isEnough = isPlain(policy);
  try {
    await progress.eachPage(scopeQuery(policy, isEnough ? 'deviceId' : '*'), missingOf(policy), lacking(isEnough));
  } catch (error) {
    if (!(error instanceof QueryRefused) || compileScope(policy).condition === '') throw error;
    progress.tell(`The hub does not take the scope of ${policy.name}: ${error.message}`);
    await progress.eachPage('SELECT * FROM devices', missingOf(policy), lacking(policy.scope.usesIdOnly));
  }
}

/** A scope function that throws is recorded when the device is looked at. */
function isInScope(policy: Policy, item: JsonObject, deviceId: string): boolean {
  try {
    return policy.scope.matches(toDevice(item, deviceId));
  } catch {
    return true;
  }
}

function missingOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'missing' };
}
