import type { TableClient } from '@azure/data-tables';
import { loadFilterTag } from './filter.ts';

/**
 * Reads all entities of a partition of a table, in the order of their row keys. `select` names the properties to read. Default: all
 * properties.
 */
export async function* listPartition(
  table: TableClient,
  partitionKey: string,
  select?: string[],
): AsyncGenerator<Record<string, unknown>> {
  const odata = await loadFilterTag();
  const filter = odata`PartitionKey eq ${partitionKey}`;
  yield* table.listEntities<Record<string, unknown>>({
    queryOptions: { filter, ...(select === undefined ? {} : { select }) },
  });
}
