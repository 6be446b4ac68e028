import type { RawEvent } from '../../shared/events/index.ts';
import type { EventLog, LoggedEvent } from '../local/hub/event-log.ts';

/** Largest number of events that the deployed app gets in one invocation (host.json, `maxEventBatchSize`). */
const largestBatch = 256;

/**
 * Passes new events of the event log to `process`, as the event hub trigger does: in batches, with at most one running batch for each
 * partition. An event arrives `deliveryDelay` milliseconds after the hub emitted it. The returned function stops this, and waits for the
 * running batches.
 */
export function feedEvents(
  log: EventLog,
  deliveryDelay: number,
  process: (events: readonly RawEvent[]) => Promise<unknown>,
): () => Promise<void> {
  const feeds = log.partitionIds.map((partition) => {
    /** Number of this partition's events that were passed to `process`. */
    let processed = log.count(partition);
    /** Number of this partition's events whose delivery delay is over. */
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

/** The logged event in the form in which the event hub trigger passes events to a function. */
function toRawEvent({ body, applicationProperties, annotations, correlationId }: LoggedEvent): RawEvent {
  return {
    body: JSON.parse(body.toString()) as unknown,
    properties: applicationProperties,
    systemProperties: { ...annotations, 'correlation-id': correlationId },
  };
}
