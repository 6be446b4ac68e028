/**
 * The parsed address of an AMQP link. `node` is the purpose of the link: `cbs` for tokens, `management` for requests about the event hub,
 * `source` for reading a partition, or `sink` for sending events. Any other address is `unknown`.
 */
export type Address =
  | { readonly node: 'cbs' }
  | { readonly node: 'management'; readonly path: string }
  /** The partition that a consumer reads, and the consumer group in which it reads. */
  | { readonly node: 'source'; readonly path: string; readonly consumerGroup: string; readonly partitionId: string }
  /** The target of the events that a client sends. Without `partitionId`, the endpoint chooses the partition. */
  | { readonly node: 'sink'; readonly path: string; readonly partitionId: string | undefined }
  | { readonly node: 'unknown'; readonly path: string };

const sourcePath = /^([^/]+)\/consumergroups\/([\w.$-]+)\/partitions\/([^/]+)$/i;
const sinkPath = /^([^/]+)(?:\/partitions\/([^/]+))?$/i;

/**
 * Parses the address of an AMQP link. The address is a path, as the JavaScript SDK sends it, or a URL that starts with `amqp://`,
 * `amqps://` or `sb://`. Ignores the case of the event hub's name, as Event Hubs does.
 */
export function parseAddress(address: string, eventHubName: string): Address {
  const path = entityPath(address);
  const isThisEventHub = (name: string | undefined) => name?.toLowerCase() === eventHubName.toLowerCase();
  if (path === '$cbs') return { node: 'cbs' };
  // The SDK opens its management link to `$management`, but gets its token for `NAME/$management`. NAME is the event hub's name.
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

/** The path of a link address or of a token's audience, without scheme and host, and without slashes at its start and end. */
export function entityPath(address: string): string {
  return address.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
}
