import { withoutContinuation } from './checkpoint.ts';
import type { Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { devicesPerItem } from './work-queue.ts';

/** The most modules that one sweep queues from the open list. The next sweep starts after them. */
const modulesPerSweep = 1000;

/** The most rows of the open list that one sweep reads. The sweep's own queries have found the modules of most rows already. */
const rowsPerSweep = 50_000;

/** The memo that holds the position in the open list from one sweep to the next. No policy can have this name, because of the space. */
const positionMemo = 'open list';

/**
 * Queues modules with open drift that no query of this sweep found. They may have been put right without an event. Makes no hub call where
 * no drift is open. One sweep reads a limited number of rows. The next sweep continues after them, and wraps around at the end of the list.
 */
export async function checkOpen(
  { policies, openList, store, clock }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const start = progress.checkpoint.continuation ?? (await store.readMemo(positionMemo))?.text ?? '';
  let position = start === '' ? undefined : start;
  /** True once reading has started from the beginning of the list. The next end of the list then ends the step. */
  let isFromBeginning = position === undefined;
  let queued = 0;
  for (let seen = 0; queued < modulesPerSweep && seen < rowsPerSweep; ) {
    const { rows, next } = await openList.page(devicesPerItem, position);
    // Skip rows with an outcome newer than the start of this sweep: their twins were just examined.
    const unexamined = rows.filter(
      ({ deviceId, moduleId, outcomeAt }) =>
        outcomeAt < progress.row.startedAt &&
        policies.forModule(moduleId).length > 0 &&
        !progress.hasFound({ moduleId, finding: 'suspect' }, deviceId),
    );
    const open = await openList.confirm(unexamined);
    for (const [moduleId, moduleRows] of Map.groupBy(open, (row) => row.moduleId)) {
      const devices = [...new Set(moduleRows.map(({ deviceId }) => deviceId))];
      queued += await progress.queueNew({ moduleId, finding: 'suspect' }, devices);
    }
    seen += rows.length;
    if (next === undefined && isFromBeginning) {
      position = undefined;
      break;
    }
    // At the end of the list, wrap around to its beginning.
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
