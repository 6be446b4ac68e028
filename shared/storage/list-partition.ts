import type { TableClient } from '@azure/data-tables';

/** All entities of a partition, in the order of their row keys. `select` names the properties to read. Default: all. */
export async function* listPartition(
  table: TableClient,
  partitionKey: string,
  select?: string[],
): AsyncGenerator<Record<string, unknown>> {
  const { odata } = await import('@azure/data-tables');
  const filter = odata`PartitionKey eq ${partitionKey}`;
  yield* table.listEntities<Record<string, unknown>>({
    queryOptions: { filter, ...(select === undefined ? {} : { select }) },
  });
}
