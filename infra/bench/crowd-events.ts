import type { RawEvent } from '../../shared/events/index.ts';
import type { EventLog, LoggedEvent } from '../local/hub/event-log.ts';

/** Largest batch of one invocation of the deployed app (host.json, `maxEventBatchSize`). */
const largestBatch = 256;

/**
 * Passes new events of the log to `process` as the event hub trigger does: in batches, with one batch at a time on each partition. Events
 * arrive `deliveryDelay` milliseconds after they were emitted. The returned function stops, and waits for the running batches.
 */
export function feedEvents(
  log: EventLog,
  deliveryDelay: number,
  process: (events: readonly RawEvent[]) => Promise<unknown>,
): () => Promise<void> {
  const feeds = log.partitionIds.map((partition) => {
    /** Number of events that `process` has received. */
    let processed = log.count(partition);
    /** Number of events whose delivery delay is over. */
    let delivered = processed;
    let running = Promise.resolve();
    let isRunning = false;
    const run = async () => {
      for (let batch = newEvents(); batch.length > 0; batch = newEvents()) {
        processed += batch.length;
        await process(batch.map(toRawEvent));
      }
    };
    const newEvents = () => {
      const kept = log.events(partition);
      const from = kept.length - (log.count(partition) - processed);
      if (from < 0)
        throw new RangeError('The log dropped events before they were processed: raise retainEvents of the hub.');
      return kept.slice(from, from + Math.min(largestBatch, delivered - processed));
    };
    const deliver = (count: number) => {
      delivered = count;
      if (isRunning) return;
      isRunning = true;
      running = run().finally(() => {
        isRunning = false;
      });
    };
    const unsubscribe = log.onAppend(partition, () => setTimeout(deliver, deliveryDelay, log.count(partition)));
    return async () => {
      unsubscribe();
      await running;
    };
  });
  return async () => {
    await Promise.all(feeds.map((stop) => stop()));
  };
}

/** The event in the form that the trigger passes to the function. */
function toRawEvent({ body, applicationProperties, annotations, correlationId }: LoggedEvent): RawEvent {
  return {
    body: JSON.parse(body.toString()) as unknown,
    properties: applicationProperties,
    systemProperties: { ...annotations, 'correlation-id': correlationId },
  };
}
