import type { EventLog, LoggedEvent } from '../../infra/local/hub/event-log.ts';
import type { RawEvent } from '../../shared/events/index.ts';

/** Converts an event of the local hub to the form in which the event hub trigger passes it to the function. */
export function toRawEvent({ body, applicationProperties, annotations, correlationId }: LoggedEvent): RawEvent {
  const text = body.toString();
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // If the body is not JSON, the trigger passes the body as text.
  }
  return {
    body: parsed,
    properties: applicationProperties,
    systemProperties: { ...annotations, 'correlation-id': correlationId },
  };
}

/**
 * Returns a function that returns the events that came into the log since its last call, oldest first. The events of one device are in
 * order: they are in one partition.
 */
export function newEventsOf(log: EventLog): () => RawEvent[] {
  // Events of two partitions can have the same time. So the function counts the events of each partition, not of the whole log.
  const seen = new Map<string, number>();
  return () => {
    const events = log.partitionIds.flatMap((id) => {
      const all = log.events(id);
      const next = all.slice(seen.get(id) ?? 0);
      seen.set(id, all.length);
      return next;
    });
    return events.toSorted((a, b) => Number(a.enqueuedTime) - Number(b.enqueuedTime)).map(toRawEvent);
  };
}
