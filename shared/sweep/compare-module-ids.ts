import type { PolicySet } from '../policy/index.ts';
import { QueryRefused } from './interruption.ts';
import type { Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** The ids of all modules of the hub. The result has one entry for each id, so it is short where devices have the same modules. */
const moduleIdsQuery = 'SELECT moduleId, COUNT() AS n FROM devices.modules GROUP BY moduleId';
/** Maximum number of pages of module ids. A hub has many ids only where each device has a module of its own. */
const pagesOfIds = 10;
/** Milliseconds for which a sweep reuses the result of an earlier query, as long as the modules of the policies do not change. */
const resultValidity = 24 * 3600_000;
/** Name of the memo with the result. No policy has this name, because a policy's name has no space. */
const similarIdsMemo = 'similar module ids';

/** A module id of the hub that differs only in case from the module of a policy. */
interface SimilarId {
  readonly policy: string;
  readonly module: string;
  readonly other: string;
}

/**
 * What one sweep stores for the next sweeps: the modules of the policies, and the ids of the hub's modules that differ from them only in
 * case.
 */
interface Result {
  readonly modules: readonly string[];
  readonly similar: readonly SimilarId[];
}

/**
 * Warns of module ids of the hub that differ only in case from the module of a policy. Module ids are case-sensitive, so the policy does not
 * cover such modules. Makes at most a few hub calls a day.
 */
export async function compareModuleIds(
  { policies, store, clock, log }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const modules = modulesOf(policies);
  const memo = await store.readMemo(similarIdsMemo);
  const last = memo === undefined ? undefined : (JSON.parse(memo.text) as Result);
  const isRecent = memo !== undefined && clock.now().getTime() - Date.parse(memo.at) < resultValidity;
  let similar = isRecent && last?.modules.join('\n') === modules.join('\n') ? last.similar : undefined;
  if (similar === undefined) {
    try {
      similar = similarIds(policies, await readModuleIds(progress));
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      log.info(`The hub refused the query for the ids of its modules: ${error.message}`);
      similar = [];
    }
    const text = JSON.stringify({ modules, similar } satisfies Result);
    await store.writeMemo(similarIdsMemo, { at: clock.now().toISOString(), text });
  }
  for (const { policy, module, other } of similar) {
    progress.warn(
      `The hub has modules with the id ${other}, and the policy ${policy} is about ${module}. Module ids are case-sensitive, so the policy ` +
        'does not cover these modules.',
    );
  }
}

async function readModuleIds(progress: Progress): Promise<readonly string[]> {
  const ids: string[] = [];
  let continuation: string | undefined;
  for (let pages = 0; pages < pagesOfIds; pages++) {
    const page = await progress.queries.page(moduleIdsQuery, continuation);
    ids.push(...page.items.flatMap(({ moduleId }) => (typeof moduleId === 'string' ? [moduleId] : [])));
    continuation = page.continuation;
    if (continuation === undefined) break;
  }
  return ids;
}

/** Pure. Ids that are the module of a policy are left out. Limited to a few ids for each policy, because ids can be long. */
function similarIds({ all }: PolicySet, ids: readonly string[]): readonly SimilarId[] {
  const modules = new Set(all.map(({ module }) => module));
  const byLowerCase = Map.groupBy(new Set(ids.filter((id) => !modules.has(id))), (id) => id.toLowerCase());
  return all.flatMap(({ name, module }) =>
    (byLowerCase.get(module.toLowerCase()) ?? [])
      .slice(0, idsPerPolicy)
      .map((other) => ({ policy: name, module, other })),
  );
}

const idsPerPolicy = 3;

function modulesOf({ all }: PolicySet): readonly string[] {
  return [...new Set(all.map(({ name, module }) => `${name} ${module}`))].toSorted();
}
