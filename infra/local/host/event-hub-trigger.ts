/** Event hub triggers: checkpoints and ownership in the storage account, one invocation at a time on each partition. */
import {
  EventHubConsumerClient,
  earliestEventPosition,
  latestEventPosition,
  type PartitionContext,
  parseEventHubConnectionString,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import { ContainerClient } from '@azure/storage-blob';
import { describeError } from './log.ts';
import { connectionString } from './settings.ts';
import type { Trigger, TriggeredFunction, TriggerHost } from './trigger.ts';
import { eventBatch, singleEvent } from './trigger-data.ts';

/** Where the runtime keeps its checkpoints. */
const checkpointContainer = 'azure-webjobs-eventhub';

/**
 * Short, so that a host that was killed is replaced by the next one within three seconds: the newcomer takes half of the partitions at
 * once, and the rest when the ownership of the dead one runs out. The runtime's defaults are 10 s and 60 s.
 */
const loadBalancing = {
  strategy: 'greedy',
  updateIntervalInMs: 1_000,
  partitionOwnershipExpirationIntervalInMs: 2_500,
} as const;

/**
 * Starts receiving. The checkpoint advances when an invocation ends, whether it threw or not; after a crash the events since the last
 * checkpoint come again.
 * @throws One line that names the function where its connection or its event hub is not set.
 */
export async function startEventHubTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger> {
  const { name, options } = triggered;
  const { maxEventBatchSize, prefetchCount, batchCheckpointFrequency, initialOffset } = host.hostJson.eventHubs;
  const connection = connectionString(name, String(options.connection ?? ''), host.environment);
  // The name in the connection string wins, as it does in the runtime.
  const eventHubName = parseEventHubConnectionString(connection).eventHubName ?? String(options.eventHubName ?? '');
  if (eventHubName === '') throw new Error(`Function "${name}": its trigger has no eventHubName.`);

  const storage = connectionString(name, 'AzureWebJobsStorage', host.environment);
  const container = new ContainerClient(storage, checkpointContainer);
  await container.createIfNotExists();
  const client = new EventHubConsumerClient(
    String(options.consumerGroup ?? '$Default'),
    connection,
    eventHubName,
    new BlobCheckpointStore(container),
    // The default waits half a minute before it tries again.
    { loadBalancingOptions: loadBalancing, retryOptions: { maxRetries: 3, retryDelayInMs: 500 } },
  );

  const binding = { functionName: name, dataType: options.dataType, capabilities: host.capabilities };
  const isBatch = options.cardinality === 'many';
  const batches = new Map<string, number>();
  let stopped = false;

  async function process(events: readonly ReceivedEventData[], partition: PartitionContext): Promise<void> {
    const last = events.at(-1);
    // What comes after a stop is not checkpointed, and so comes again.
    if (stopped || last === undefined) return;
    const batch = (batches.get(partition.partitionId) ?? 0) + 1;
    batches.set(partition.partitionId, batch);
    const isCheckpointing = batch % batchCheckpointFrequency === 0;
    if (isBatch) {
      const data = () => eventBatch(events, partition, isCheckpointing, binding);
      await host.invoker.invoke(name, data, { retries: true });
    } else {
      for (const event of events) {
        if (stopped) return;
        await host.invoker.invoke(name, () => singleEvent(event, partition, isCheckpointing, binding), {
          retries: true,
        });
      }
    }
    if (isCheckpointing) await partition.updateCheckpoint(last);
  }

  const inFlight = new Set<Promise<void>>();
  const subscription = client.subscribe(
    {
      processEvents(events, partition) {
        const work = process(events, partition);
        inFlight.add(work);
        return work.finally(() => inFlight.delete(work));
      },
      async processError(error, { partitionId }) {
        if (!stopped) host.log('warning', name, `partition ${partitionId || 'none yet'}: ${describeError(error)}`);
      },
    },
    {
      maxBatchSize: maxEventBatchSize,
      prefetchCount,
      // Only how long an empty wait lasts: a batch is handed over 20 ms after its first event came. After each wait the client
      // sees to it that its link is there, which is how it comes back when the event hub has been away.
      maxWaitTimeInSeconds: 2,
      skipParsingBodyAsJson: true,
      startPosition:
        typeof initialOffset === 'object'
          ? initialOffset
          : initialOffset === 'fromEnd'
            ? latestEventPosition
            : earliestEventPosition,
    },
  );
  return {
    stop() {
      stopped = true;
    },
    async close() {
      // An invocation has ended, but its checkpoint may still be on the way.
      const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
      await Promise.race([Promise.allSettled(inFlight), late]);
      await subscription.close();
      await client.close();
    },
  };
}
