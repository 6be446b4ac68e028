/** What can be read back from the local system: the history, the dead letters, how far the app has come, what it cost. */
import { ContainerClient } from '@azure/storage-blob';
import pMap from 'p-map';
import { createJournal, type KnownRows } from '../../../shared/drift/index.ts';
import { createDeadLetters, type DeadLetter } from '../../../shared/retry/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import type { CallReport } from '../hub/calls.ts';

/** How many devices' history is read at once. */
const concurrency = 8;

export interface Observer {
  /** The rows of each device whose writes are not older than `since` (ISO 8601), all without it, and the open ones. */
  history(deviceIds: readonly string[], since?: string): Promise<ReadonlyMap<string, KnownRows>>;
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** How many of the hub's events the app has not dealt with. */
  backlog(): Promise<number>;
  /** The calls that Twinkeeper itself has made, by class. */
  calls(): Promise<CallReport>;
}

export function observe({ storageConnectionString, controlUrl }: SystemEndpoints): Observer {
  const account = { connectionString: storageConnectionString };
  const journal = createJournal(account);
  const letters = createDeadLetters(account, () => new Date());
  const checkpoints = new ContainerClient(storageConnectionString, 'azure-webjobs-eventhub');

  return {
    async history(deviceIds, since = '1970-01-01T00:00:00Z') {
      const recall = async (id: string) => [id, await journal.read(id, since)] as const;
      return new Map(await pMap(deviceIds, recall, { concurrency }));
    },

    async deadLetters() {
      const all: DeadLetter[] = [];
      for await (const letter of letters.list()) all.push(letter);
      return all;
    },

    async backlog() {
      // The events first: what comes while the checkpoints are read would only make it look worse, never better.
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
