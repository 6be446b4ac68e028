import { type Progress, withoutContinuation } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { devicesPerItem } from './work-queue.ts';

/** So many modules are looked at again in one sweep; the next goes on with those after them. */
const modulesPerSweep = 1000;

/** So many rows of the list are gone through in one sweep: most of them are of modules that the sweep has found by itself. */
const rowsPerSweep = 50_000;

/** Under which the place in the list is kept from one sweep to the next. No policy is named so. */
const noteName = 'open list';

/**
 * Has those modules looked at again that are out of line by the history, and that no query of this sweep has named: they may have been
 * mended when no event told of it. Costs nothing where nothing is open.
 */
export async function checkOpen(
  { policies, openList, store, clock }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const start = progress.place.continuation ?? (await store.recallMemo(noteName))?.text ?? '';
  let after = start === '' ? undefined : start;
  let isRound = after === undefined;
  let handedOut = 0;
  for (let seen = 0; handedOut < modulesPerSweep && seen < rowsPerSweep; ) {
    const { rows, next } = await openList.page(devicesPerItem, after);
    // What has its outcome since the sweep began was looked at meanwhile.
    const left = rows.filter(
      ({ deviceId, moduleId, outcomeAt }) =>
        outcomeAt < progress.row.startedAt &&
        policies.forModule(moduleId).length > 0 &&
        !progress.isHandedOut({ moduleId, finding: 'suspect' }, deviceId),
    );
    for (const [moduleId, its] of Map.groupBy(await openList.confirm(left), (row) => row.moduleId)) {
      const devices = [...new Set(its.map(({ deviceId }) => deviceId))];
      handedOut += await progress.handOutOnce({ moduleId, finding: 'suspect' }, devices);
    }
    seen += rows.length;
    if (next === undefined && isRound) {
      after = undefined;
      break;
    }
    // From the end it goes on at the beginning.
    isRound ||= next === undefined;
    after = next;
    progress.place = {
      ...withoutContinuation(progress.place),
      ...(after === undefined ? {} : { continuation: after }),
    };
    await progress.keep();
  }
  const place = after ?? '';
  if (place !== start) await store.keepMemo(noteName, { at: clock.now().toISOString(), text: place });
}
