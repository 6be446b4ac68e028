/** What an AMQP link address names on an Event Hubs-compatible endpoint. */
export type Address =
  | { readonly node: 'cbs' }
  | { readonly node: 'management'; readonly path: string }
  /** Where a consumer group reads one partition. */
  | { readonly node: 'source'; readonly path: string; readonly consumerGroup: string; readonly partitionId: string }
  /** Where events are sent; without a partition, the endpoint chooses one. */
  | { readonly node: 'sink'; readonly path: string; readonly partitionId: string | undefined }
  | { readonly node: 'unknown'; readonly path: string };

const sourcePath = /^([^/]+)\/consumergroups\/([\w.$-]+)\/partitions\/([^/]+)$/i;
const sinkPath = /^([^/]+)(?:\/partitions\/([^/]+))?$/i;

/**
 * Reads a link address. `address` is a bare path, as the JavaScript SDK sends it, or a whole `amqp(s)://` or `sb://` URL, as others do.
 * Event hub and consumer group are taken whatever their case, as Event Hubs does. Anything else is `unknown`.
 */
export function parseAddress(address: string, eventHubName: string): Address {
  const path = entityPath(address);
  const isOurs = (name: string | undefined) => name?.toLowerCase() === eventHubName.toLowerCase();
  if (path === '$cbs') return { node: 'cbs' };
  // The SDK attaches to `$management` alone, and asks for its token for `NAME/$management`.
  if (path === '$management' || path.toLowerCase() === `${eventHubName}/$management`.toLowerCase()) {
    return { node: 'management', path: `${eventHubName}/$management` };
  }
  const [, sourceHub, consumerGroup, sourcePartition] = sourcePath.exec(path) ?? [];
  if (isOurs(sourceHub) && consumerGroup !== undefined && sourcePartition !== undefined) {
    return { node: 'source', path, consumerGroup, partitionId: sourcePartition };
  }
  const [, sinkHub, sinkPartition] = sinkPath.exec(path) ?? [];
  if (isOurs(sinkHub)) return { node: 'sink', path, partitionId: sinkPartition };
  return { node: 'unknown', path };
}

/** The path of an address or a token's audience: without scheme and host, and without slashes at its ends. */
export function entityPath(address: string): string {
  return address.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
}
