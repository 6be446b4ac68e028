import type { Reading } from '../reading.ts';
import type { Look } from '../store/index.ts';

/** The last complete read of all twins. `undefined` before the first one has ended. */
export function lookOf({ startedAt, endedAt, lastStartedAt }: Reading): Look | undefined {
  const at = endedAt === undefined ? lastStartedAt : startedAt;
  return at === undefined ? undefined : { how: 'read', at };
}
