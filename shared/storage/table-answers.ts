import type { TableClient } from '@azure/data-tables';

/** The HTTP status that an error of the storage service carries. */
export function statusOf(error: unknown): unknown {
  return (error as { readonly statusCode?: unknown } | undefined)?.statusCode;
}

/** The entity is not there; that the whole table is not there is another matter. */
export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 && (error as { readonly code?: unknown }).code !== 'TableNotFound';
}

/** For `catch`: `undefined` for an entity that is not there, and whatever else it may be goes on to the caller. */
export function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** All entities of a partition, in the order of their keys. */
export async function* entitiesOf(
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
