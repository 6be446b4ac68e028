import { app, type EventHubTriggerOptions, type InvocationContext } from '@azure/functions';
import type { RawEvent } from '../shared/events/index.ts';
import type { LazyApp } from './lazy-app.ts';

/** Registers the function `twin-events`. Batches of twin-change and lifecycle events of IoT Hub trigger this function. */
export function registerTwinEvents(twinkeeper: LazyApp): void {
  // Without this capability the runtime drops empty event bodies. The list of bodies would then be shorter than the lists of properties.
  app.setup({ capabilities: { IncludeEmptyEntriesInMessagePayload: true } });
  app.eventHub('twin-events', {
    ...asText,
    connection: 'EventHubConnection',
    eventHubName: '%EVENTHUB_NAME%',
    consumerGroup: process.env.EVENTHUB_CONSUMER_GROUP ? '%EVENTHUB_CONSUMER_GROUP%' : '$Default',
    cardinality: 'many',
    // The checkpoint of the event hub advances even when an invocation fails. A failed batch must therefore be retried here, without a
    // limit.
    retry: {
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { minutes: 1 },
    },
    async handler(messages: unknown, context: InvocationContext) {
      const rawEvents = toRawEvents(messages, context.triggerMetadata ?? {});
      const { processorFor, usage } = await twinkeeper.load();
      const { events, unusable, ignored } = await processorFor(context).process(rawEvents);
      // Telemetry and unreadable events do not show that the hub's routes for twin changes work.
      if (events > ignored + unusable) usage.eventsArrived();
    },
  });
}

/**
 * An option of the trigger that delivers event bodies as text, so that the library parses each body separately. Without the option, the
 * runtime parses all bodies of a batch as JSON. One malformed body then fails the whole batch before the handler runs. The types of the
 * library do not know `dataType`.
 */
const asText = { dataType: 'string' } as Partial<EventHubTriggerOptions>;

/**
 * Joins the parallel lists of the event hub trigger into events. The entries with the same index belong to the same event. For a batch of
 * one event, `messages` can be the body itself instead of a list.
 */
export function toRawEvents(messages: unknown, metadata: Readonly<Record<string, unknown>>): readonly RawEvent[] {
  const bodies: readonly unknown[] = Array.isArray(messages) ? messages : [messages];
  const properties = listIn(metadata, 'propertiesArray');
  const systemProperties = listIn(metadata, 'systemPropertiesArray');
  const enqueuedTimes = listIn(metadata, 'enqueuedTimeUtcArray');
  return bodies.map((body, index) => {
    const enqueuedTime = enqueuedTimes[index];
    return {
      body,
      properties: recordOf(properties[index]),
      systemProperties: recordOf(systemProperties[index]),
      ...(typeof enqueuedTime === 'string' ? { enqueuedTime: asUtc(enqueuedTime) } : {}),
    };
  });
}

/** Appends `Z` to a time without an offset. The Functions runtime gives times in UTC without an offset. */
function asUtc(time: string): string {
  return /Z$|^[+-]\d\d:\d\d$/.test(time.slice(-6)) ? time : `${time}Z`;
}

function listIn(metadata: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  const list = metadata[key];
  return Array.isArray(list) ? list : [];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
