/** Reads the state of the local system: the history, the dead letters, the events that the app has not handled yet, and the hub calls. */
import { ContainerClient } from '@azure/storage-blob';
import pMap from 'p-map';
import { createHistory, createJournal, type DriftRow } from '../../../shared/drift/index.ts';
import { createDeadLetters, type DeadLetter } from '../../../shared/retry/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import type { CallReport } from '../hub/calls.ts';

/** Number of devices whose history is read at the same time. */
const concurrency = 8;

/** The rows of one device. */
export interface DeviceHistory {
  /** The rows that were detected at a time or later, newest first. */
  readonly recent: readonly DriftRow[];
  /** The open rows, of any age. */
  readonly open: readonly DriftRow[];
}

export interface Observer {
  /**
   * Reads the rows of each device: the rows that were detected at `since` or later, and the open rows. `since` is a time in ISO 8601. Without
   * it, all rows are read.
   */
  history(deviceIds: readonly string[], since?: string): Promise<ReadonlyMap<string, DeviceHistory>>;
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** Counts the hub's events that the app has not handled yet, from the event counts and the checkpoints. */
  backlog(): Promise<number>;
  /** Reads how many calls each client has made to the hub. The calls of Twinkeeper are under `twinkeeper`. */
  calls(): Promise<CallReport>;
}

export function observe({ storageConnectionString, controlUrl }: SystemEndpoints): Observer {
  const account = { connectionString: storageConnectionString };
  const journal = createJournal(account);
  const stored = createHistory(account, () => new Date());
  const deadLetters = createDeadLetters(account, () => new Date());
  const checkpoints = new ContainerClient(storageConnectionString, 'azure-webjobs-eventhub');

  return {
    async history(deviceIds, since = '1970-01-01T00:00:00Z') {
      const recall = async (deviceId: string) => {
        const recent: DriftRow[] = [];
        for await (const row of stored.rows({ deviceId, from: since })) recent.push(row);
        return [deviceId, { recent, open: (await journal.read(deviceId)).open }] as const;
      };
      return new Map(await pMap(deviceIds, recall, { concurrency }));
    },

    async deadLetters() {
      const all: DeadLetter[] = [];
      for await (const deadLetter of deadLetters.list()) all.push(deadLetter);
      return all;
    },

    async backlog() {
      // The events are counted before the checkpoints are read. A result of 0 then means that the app has handled all events that were
      // counted.
      const { partitions } = await getJson<{ readonly partitions: readonly { id: string; count: number }[] }>(
        `${controlUrl}/events`,
      );
      const done = new Map<string, number>();
      for await (const { name, metadata } of checkpoints.listBlobsFlat({ includeMetadata: true })) {
        const partition = /\/checkpoint\/([^/]+)$/.exec(name)?.[1];
        if (partition !== undefined) done.set(partition, Number(metadata?.sequencenumber ?? -1) + 1);
      }
      return partitions.reduce((sum, { id, count }) => sum + Math.max(0, count - (done.get(id) ?? 0)), 0);
    },

    calls: () => getJson<CallReport>(`${controlUrl}/calls`),
  };
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return (await response.json()) as T;
}
