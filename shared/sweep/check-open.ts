import type { DriftRow } from '../drift/index.ts';
import { isInForce } from '../reconcile/index.ts';
import { withoutContinuation } from './checkpoint.ts';
import type { Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { devicesPerItem } from './work-queue.ts';

/** Maximum number of modules that one sweep queues from the list of open rows. The next sweep continues after these modules. */
const modulesPerSweep = 1000;

/** Maximum number of open rows that one sweep reads. Most of these modules need no second check: queries of the same sweep found them. */
const rowsPerSweep = 50_000;

/**
 * Name of the memo that tells the next sweep where to continue in the list of open rows. Memos of searches are named after policies. No
 * policy has this name, because a policy's name has no space.
 */
const positionMemo = 'open list';

/**
 * Queues the modules with open drift that no query of this sweep found. Somebody may have repaired these modules without an event. Also
 * queues the devices with open rows that no policy demands any more, so that a worker retires these rows. Makes no hub call where no drift
 * is open. One sweep reads a limited number of open rows. The next sweep continues after these rows, and starts again at the beginning when
 * it reaches the end of the list.
 */
export async function checkOpen(
  { policies, openList, runningPasses, store, clock }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  // The `pending` rows of a killed pass are not in the open list. Redelivered events complete only the rows that policies still demand.
  for await (const { id, devices } of runningPasses.killed()) {
    await progress.queueNew({ moduleId: '', finding: 'retired' }, devices);
    await runningPasses.end(id);
  }
  const start = progress.checkpoint.continuation ?? (await store.readMemo(positionMemo))?.text ?? '';
  let position = start === '' ? undefined : start;
  /** True when this sweep has read from the beginning of the list. The sweep then stops at the end of the list. */
  let isFromBeginning = position === undefined;
  let queued = 0;
  for (let seen = 0; queued < modulesPerSweep && seen < rowsPerSweep; ) {
    const { rows, next } = await openList.page(devicesPerItem, position);
    // Skip rows whose outcome was written after this sweep started: their twins were read after that start.
    const older = rows.filter(({ outcomeAt }) => outcomeAt < progress.row.startedAt);
    const { retired = [], demanded = [] } = Object.groupBy(older, (row) =>
      isInForce(row, policies.all) ? 'demanded' : 'retired',
    );
    const unexamined = demanded.filter(
      ({ deviceId, moduleId }) => !progress.hasFound({ moduleId, finding: 'suspect' }, deviceId),
    );
    // Workers retire rows without a hub call, so these devices do not count towards the limit of modules.
    await progress.queueNew({ moduleId: '', finding: 'retired' }, devicesOf(await openList.confirm(retired)));
    const open = await openList.confirm(unexamined);
    for (const [moduleId, moduleRows] of Map.groupBy(open, (row) => row.moduleId)) {
      queued += await progress.queueNew({ moduleId, finding: 'suspect' }, devicesOf(moduleRows));
    }
    seen += rows.length;
    if (next === undefined && isFromBeginning) {
      position = undefined;
      break;
    }
    // At the end of the list, continue at its beginning.
    isFromBeginning ||= next === undefined;
    position = next;
    progress.checkpoint = {
      ...withoutContinuation(progress.checkpoint),
      ...(position === undefined ? {} : { continuation: position }),
    };
    await progress.save();
  }
  const text = position ?? '';
  if (text !== start) await store.writeMemo(positionMemo, { at: clock.now().toISOString(), text });
}

function devicesOf(rows: readonly DriftRow[]): readonly string[] {
  return [...new Set(rows.map(({ deviceId }) => deviceId))];
}
