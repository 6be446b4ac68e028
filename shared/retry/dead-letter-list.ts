import { once } from '../once.ts';
import { openTable, type StorageAccount } from '../storage/index.ts';
import { type DeadLetter, deadLetterPartition, deadLetterTable } from './dead-letters.ts';

/** What a dead letter says beside the events that are in it. */
export type DeadLetterSummary = Pick<DeadLetter, 'id' | 'at' | 'reason' | 'deviceId'>;

/** What was given up, for those who ask what there is. */
export interface DeadLetterList {
  /**
   * So many letters, newest first, that come after the one with the id `after`; fewer when there are no more. Those that are parked are not
   * among them: they belong to a retry that is on its way.
   */
  page(limit: number, after?: string): Promise<readonly DeadLetterSummary[]>;
}

/** The largest page that Table Storage gives. */
const rowsPerRequest = 1000;

/** The dead letters of a storage account, without their events, which are most of what is stored. */
export function createDeadLetterList(account: StorageAccount): DeadLetterList {
  const table = once(() => openTable(account, deadLetterTable));

  return {
    async page(limit, after = '') {
      const { odata } = await import('@azure/data-tables');
      // The one partition there is, from the end of the last letter on. Of a letter in pieces, only its head has a state.
      const start = after === '' ? '' : `${after}~~`;
      const filter = odata`PartitionKey eq ${deadLetterPartition} and RowKey gt ${start} and state eq ${'dead'}`;
      const select = ['rowKey', 'at', 'reason', 'deviceId'];
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter, select } })
        .byPage({ maxPageSize: Math.min(limit, rowsPerRequest) });
      const heads: DeadLetterSummary[] = [];
      for await (const page of pages) {
        heads.push(...page.map(toHead).slice(0, limit - heads.length));
        if (heads.length === limit) break;
      }
      return heads;
    },
  };
}

function toHead({ rowKey, at, reason, deviceId }: Readonly<Record<string, unknown>>): DeadLetterSummary {
  return { id: String(rowKey), at: String(at), reason: String(reason), deviceId: String(deviceId) };
}
