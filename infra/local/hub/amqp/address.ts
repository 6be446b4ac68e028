/** The node of an AMQP link address: for tokens (`$cbs`), for management, for reading a partition, or for sending events. */
export type Address =
  | { readonly node: 'cbs' }
  | { readonly node: 'management'; readonly path: string }
  /** A partition that a consumer group reads. */
  | { readonly node: 'source'; readonly path: string; readonly consumerGroup: string; readonly partitionId: string }
  /** The target of sent events. Without `partitionId`, the endpoint chooses the partition. */
  | { readonly node: 'sink'; readonly path: string; readonly partitionId: string | undefined }
  | { readonly node: 'unknown'; readonly path: string };

const sourcePath = /^([^/]+)\/consumergroups\/([\w.$-]+)\/partitions\/([^/]+)$/i;
const sinkPath = /^([^/]+)(?:\/partitions\/([^/]+))?$/i;

/**
 * Parses a link address: a path, as the JavaScript SDK sends it, or an `amqp://`, `amqps://` or `sb://` URL. The case of the event hub's
 * name is ignored, as in Event Hubs. Any other address is `unknown`.
 */
export function parseAddress(address: string, eventHubName: string): Address {
  const path = entityPath(address);
  const isThisEventHub = (name: string | undefined) => name?.toLowerCase() === eventHubName.toLowerCase();
  if (path === '$cbs') return { node: 'cbs' };
  // The SDK opens its link to `$management`, but gets a token for `NAME/$management`.
  if (path === '$management' || path.toLowerCase() === `${eventHubName}/$management`.toLowerCase()) {
    return { node: 'management', path: `${eventHubName}/$management` };
  }
  const [, sourceHub, consumerGroup, sourcePartition] = sourcePath.exec(path) ?? [];
  if (isThisEventHub(sourceHub) && consumerGroup !== undefined && sourcePartition !== undefined) {
    return { node: 'source', path, consumerGroup, partitionId: sourcePartition };
  }
  const [, sinkHub, sinkPartition] = sinkPath.exec(path) ?? [];
  if (isThisEventHub(sinkHub)) return { node: 'sink', path, partitionId: sinkPartition };
  return { node: 'unknown', path };
}

/** The path of an address or a token audience, without scheme, host, and leading and trailing slashes. */
export function entityPath(address: string): string {
  return address.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
}
