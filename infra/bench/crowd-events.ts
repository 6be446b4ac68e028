import type { RawEvent } from '../../shared/events/index.ts';
import type { EventLog, LoggedEvent } from '../local/hub/event-log.ts';

/** What one invocation of the deployed app is given at most (host.json, `maxEventBatchSize`). */
const largestBatch = 256;

/**
 * Brings events to a processor as the event hub trigger does: those that have come on a partition together, one invocation after the
 * other on each. They are delivered so many milliseconds after they were emitted. Begins with what comes from now on; ends when the
 * returned function is called, after what is under way.
 */
export function feedEvents(
  log: EventLog,
  delivery: number,
  process: (events: readonly RawEvent[]) => Promise<unknown>,
): () => Promise<void> {
  const feeds = log.partitionIds.map((partition) => {
    let next = log.count(partition);
    /** How many have been delivered. */
    let delivered = next;
    let running = Promise.resolve();
    let isRunning = false;
    const run = async () => {
      for (let batch = newEvents(); batch.length > 0; batch = newEvents()) {
        next += batch.length;
        await process(batch.map(toRawEvent));
      }
    };
    const newEvents = () => {
      const kept = log.events(partition);
      const from = kept.length - (log.count(partition) - next);
      if (from < 0) throw new RangeError('Events were forgotten before they were processed: let the hub retain more.');
      return kept.slice(from, from + Math.min(largestBatch, delivered - next));
    };
    const deliver = (count: number) => {
      delivered = count;
      if (isRunning) return;
      isRunning = true;
      running = run().finally(() => {
        isRunning = false;
      });
    };
    const stop = log.onAppend(partition, () => setTimeout(deliver, delivery, log.count(partition)));
    return async () => {
      stop();
      await running;
    };
  });
  return async () => {
    await Promise.all(feeds.map((end) => end()));
  };
}

/** As the function gets it from the trigger. */
function toRawEvent({ body, applicationProperties, annotations, correlationId }: LoggedEvent): RawEvent {
  return {
    body: JSON.parse(body.toString()) as unknown,
    properties: applicationProperties,
    systemProperties: { ...annotations, 'correlation-id': correlationId },
  };
}
