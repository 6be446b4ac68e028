import type { Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** Name of the memo with the warnings of the last sweep. No policy has this name, because a policy's name has no space. */
const warningsMemo = 'logged warnings';

/** Logs the warnings of a sweep that the sweep before did not have. The row of each sweep and its memo hold all warnings. */
export async function logWarnings({ store, clock, log }: SweepDependencies, { row }: Progress): Promise<void> {
  const memo = await store.readMemo(warningsMemo);
  const before = new Set(memo === undefined ? [] : (JSON.parse(memo.text) as readonly string[]));
  for (const warning of row.warnings) if (!before.has(warning)) log.warn(warning);
  const isUnchanged = before.size === row.warnings.length && row.warnings.every((warning) => before.has(warning));
  if (isUnchanged) return;
  await store.writeMemo(warningsMemo, { at: clock.now().toISOString(), text: JSON.stringify(row.warnings) });
}
