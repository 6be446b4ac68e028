import type { DeviceAnswer } from '../../../functions/api/answers.ts';
import { createHistory, type DriftQuery, type DriftRow, type History } from '../../../shared/drift/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createDeadLetters } from '../../../shared/retry/index.ts';
import type { StorageAccount } from '../../../shared/storage/index.ts';
import { createSweepStore, type SweepRow } from '../../../shared/sweep/store/index.ts';

/** A device's twins as they are now, held against what its policies ask of them. */
export interface LiveDevice extends Pick<DeviceAnswer, 'exists' | 'at' | 'modules'> {
  /** The hub that they were read from, where it was asked directly. */
  readonly hub?: string;
}

/** What commands ask of the history, wherever it comes from. */
export interface HistorySource extends Pick<History, 'page' | 'open'> {
  /** The newest sweep; `undefined` when there has been none. */
  lastSweep(): Promise<SweepRow | undefined>;
  /** How many events were given up. */
  deadLetters(): Promise<number>;
  /** The policies that are in force, and how many devices are in the scope of each: `undefined` when nobody has counted them yet. */
  policies(): Promise<readonly { readonly policy: string; readonly devices: number | undefined }[]>;
  /** The device's twins, where whoever tells the history can read them. */
  device?(deviceId: string): Promise<LiveDevice>;
}

/** The history in a storage account, read directly; `policies` are those that this program has with it. */
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
      // Parked letters belong to a retry that is on its way.
      for await (const { state } of createDeadLetters(storage, now).list()) if (state === 'dead') count++;
      return count;
    },

    async policies() {
      const guards = createGuardStore(storage);
      return Promise.all(policies.map(async (policy) => ({ policy, devices: await guards.deviceCount(policy) })));
    },
  };
}

/** The largest page that is asked for. */
const largestPage = 1000;

/** The rows of a query a page at a time, and whether more were left than the limit lets through. */
export async function* pagesOf(
  history: HistorySource,
  query: DriftQuery,
  limit: number,
): AsyncGenerator<{ readonly rows: readonly DriftRow[]; readonly more: boolean }> {
  let cursor: string | undefined;
  let left = limit;
  let more = false;
  do {
    // One more than is wanted says whether that was all.
    const page = await history.page(query, Math.min(largestPage, left + 1), cursor);
    const rows = page.rows.slice(0, left);
    left -= rows.length;
    cursor = page.cursor;
    more = page.rows.length > rows.length;
    if (page.rows.length > 0) yield { rows, more };
  } while (cursor !== undefined && !more);
}
