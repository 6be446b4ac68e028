import type { DeviceAnswer } from '../../../functions/api/answers.ts';
import { createHistory, type DriftQuery, type DriftRow, type History } from '../../../shared/drift/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createDeadLetters } from '../../../shared/retry/index.ts';
import type { StorageAccount } from '../../../shared/storage/index.ts';
import { createSweepStore, type SweepRow } from '../../../shared/sweep/store/index.ts';

/** A device's twins as they are now, compared with its policies. */
export interface LiveDevice extends Pick<DeviceAnswer, 'exists' | 'at' | 'modules'> {
  /** The hub, when the twins were read from it directly. */
  readonly hub?: string;
}

/** The history for commands: in a storage account, or through the running app. */
export interface HistorySource extends Pick<History, 'page' | 'open'> {
  /** The newest sweep; `undefined` when there has been none. */
  lastSweep(): Promise<SweepRow | undefined>;
  /** The number of events that were given up. */
  deadLetters(): Promise<number>;
  /** The policies in force, with the number of devices in the scope of each: `undefined` until a sweep has counted them. */
  policies(): Promise<readonly { readonly policy: string; readonly devices: number | undefined }[]>;
  /** Reads a device's twins. Absent when the source cannot read twins. */
  device?(deviceId: string): Promise<LiveDevice>;
}

/** The history in a storage account. `policies` are the names of the policies in this build. */
export function fromStorage(storage: StorageAccount, policies: readonly string[]): HistorySource {
  const now = () => new Date();
  const { page, open } = createHistory(storage, now);
  return {
    page,
    open,

    async lastSweep() {
      return (await createSweepStore(storage, now).list(1))[0];
    },

    async deadLetters() {
      let count = 0;
      // A parked dead letter belongs to an event that is still being tried.
      for await (const { state } of createDeadLetters(storage, now).list()) if (state === 'dead') count++;
      return count;
    },

    async policies() {
      const guards = createGuardStore(storage);
      return Promise.all(policies.map(async (policy) => ({ policy, devices: await guards.deviceCount(policy) })));
    },
  };
}

/** The most rows in a page. */
const largestPage = 1000;

/** The rows of a query, page by page, at most `limit`. `more` says whether the query has more rows than the limit. */
export async function* pagesOf(
  history: HistorySource,
  query: DriftQuery,
  limit: number,
): AsyncGenerator<{ readonly rows: readonly DriftRow[]; readonly more: boolean }> {
  let cursor: string | undefined;
  let left = limit;
  let more = false;
  do {
    // One row more than the limit shows whether there are more.
    const page = await history.page(query, Math.min(largestPage, left + 1), cursor);
    const rows = page.rows.slice(0, left);
    left -= rows.length;
    cursor = page.cursor;
    more = page.rows.length > rows.length;
    if (page.rows.length > 0) yield { rows, more };
  } while (cursor !== undefined && !more);
}
