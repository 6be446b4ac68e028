/** Event hub triggers. Checkpoints and ownership are in the storage account. Each partition has one invocation at a time. */
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

/** The blob container in which the runtime keeps its checkpoints. */
const checkpointContainer = 'azure-webjobs-eventhub';

/**
 * The intervals are short so that a new host replaces a killed host within three seconds. The new host takes half of the partitions at
 * once, and the others when the ownership of the killed host expires. The runtime's defaults are 10 s and 60 s.
 */
const loadBalancing = {
  strategy: 'greedy',
  updateIntervalInMs: 1_000,
  partitionOwnershipExpirationIntervalInMs: 2_500,
} as const;

/**
 * Starts to receive events. The checkpoint advances when an invocation ends, also when the invocation threw. After a crash, the events
 * since the last checkpoint are delivered again.
 * @throws One line that names the function when its connection or its event hub is not set.
 */
export async function startEventHubTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger> {
  const { name, options } = triggered;
  const { maxEventBatchSize, prefetchCount, batchCheckpointFrequency, initialOffset } = host.hostJson.eventHubs;
  const connection = connectionString(name, String(options.connection ?? ''), host.environment);
  // Like the runtime, this host prefers the name in the connection string.
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
    // The default delay between two tries is half a minute.
    { loadBalancingOptions: loadBalancing, retryOptions: { maxRetries: 3, retryDelayInMs: 500 } },
  );

  const binding = { functionName: name, dataType: options.dataType, capabilities: host.capabilities };
  const isBatch = options.cardinality === 'many';
  const batches = new Map<string, number>();
  let stopped = false;

  async function process(events: readonly ReceivedEventData[], partition: PartitionContext): Promise<void> {
    const last = events.at(-1);
    // Events that arrive after the stop get no checkpoint, so they are delivered again.
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
        if (!stopped) host.log('warning', name, `partition ${partitionId || 'unknown'}: ${describeError(error)}`);
      },
    },
    {
      maxBatchSize: maxEventBatchSize,
      prefetchCount,
      // The longest wait for a first event. A batch is delivered 20 ms after its first event. After each wait the client checks its link,
      // which reconnects it when the event hub is back.
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
      // The checkpoint of an ended invocation may not be written yet.
      const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
      await Promise.race([Promise.allSettled(inFlight), late]);
      await subscription.close();
      await client.close();
    },
  };
}
