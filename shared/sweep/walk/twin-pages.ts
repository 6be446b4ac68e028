import type { Policy } from '../../policy/index.ts';
import type { Progress } from '../progress.ts';
import type { ReadPage } from '../sweep-queries.ts';
import { countModulesQuery, twinsQuery, withColumns } from '../where/index.ts';

/**
 * Returns a function that reads the twins of a policy from the hub, one page at a time. All walks read their twins here. The checkpoint of
 * the sweep holds the reading, which this function keeps up to date.
 */
export function twinPages(progress: Progress, policy: Policy, columns: string): ReadPage {
  return async (continuation) => {
    const query = withColumns(twinsQuery(policy, progress.dialect), columns);
    const page = await progress.queries.page(query, continuation);
    const { reading } = progress.checkpoint;
    if (reading === undefined) return page;
    // The place in the results is lost. A reading in slices would lose it again, so this sweep reads all twins.
    const kept = page.isRestarted ? { ...reading, read: 0, inOneGo: true } : reading;
    // A reading of one page needs no count.
    const total =
      kept.total ??
      (page.continuation === undefined
        ? undefined
        : await progress.queries.count(countModulesQuery(policy, progress.dialect)));
    progress.checkpoint = {
      ...progress.checkpoint,
      reading: { ...kept, read: kept.read + page.items.length, ...(total === undefined ? {} : { total }) },
    };
    return page;
  };
}
