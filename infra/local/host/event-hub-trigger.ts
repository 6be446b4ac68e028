/**
 * Event hub triggers. The storage account holds the checkpoints and the ownership of partitions. Each partition has at most one invocation
 * at a time.
 */
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

/** Name of the blob container in which the Functions runtime keeps the checkpoints of event hubs. */
const checkpointContainer = 'azure-webjobs-eventhub';

/**
 * Starts to receive events. The host writes a partition's checkpoint after every `batchCheckpointFrequency` batches, also when an
 * invocation threw an error. After a crash, the events since the last checkpoint are delivered again.
 * @throws An Error whose message is one line and names the function, when the function's connection or event hub is not set.
 */
export async function startEventHubTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger> {
  const { name, options } = triggered;
  const { maxEventBatchSize, prefetchCount, batchCheckpointFrequency, initialOffset, ...ownership } =
    host.hostJson.eventHubs;
  const connection = connectionString(name, String(options.connection ?? ''), host.environment);
  // As in the runtime, the event hub's name in the connection string takes precedence over the trigger's `eventHubName`.
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
    {
      loadBalancingOptions: {
        strategy: 'greedy',
        updateIntervalInMs: ownership.loadBalancingUpdateIntervalMs,
        partitionOwnershipExpirationIntervalInMs: ownership.partitionOwnershipExpirationIntervalMs,
      },
      // The SDK's default delay between two attempts is 30 seconds.
      retryOptions: { maxRetries: 3, retryDelayInMs: 500 },
    },
  );

  const binding = { dataType: options.dataType, capabilities: host.capabilities };
  const isBatch = options.cardinality === 'many';
  const batches = new Map<string, number>();
  let stopped = false;

  async function process(events: readonly ReceivedEventData[], partition: PartitionContext): Promise<void> {
    const last = events.at(-1);
    // The host writes no checkpoint for events that arrive after the stop. These events are delivered again.
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
        await host.invoker.invoke(name, () => singleEvent(event, partition, isCheckpointing), { retries: true });
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
        if (!stopped) host.log('warning', name, `partition ${partitionId || 'unknown'}: ${describeError(error)}`);
      },
    },
    {
      maxBatchSize: maxEventBatchSize,
      prefetchCount,
      // Seconds that the client waits for the first event of a batch. The client delivers the batch 20 ms after this event arrived. After
      // each wait the client checks its AMQP link, and reconnects the link when the event hub is available again.
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
      // An invocation can have ended before its checkpoint is written, so the host waits here for up to two seconds.
      const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
      await Promise.race([Promise.allSettled(inFlight), late]);
      await subscription.close();
      await client.close();
    },
  };
}
