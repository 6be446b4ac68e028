import { app, type EventHubTriggerOptions, type InvocationContext } from '@azure/functions';
import type { RawEvent } from '../shared/events/index.ts';
import type { App } from './compose.ts';

/** Registers `twin-events`. Batches of IoT Hub's twin-change and lifecycle events trigger it. */
export function registerTwinEvents(twinkeeper: App): void {
  // Without this capability the runtime drops empty bodies, and the arrays of the batch no longer match by index.
  app.setup({ capabilities: { IncludeEmptyEntriesInMessagePayload: true } });
  app.eventHub('twin-events', {
    ...asText,
    connection: 'EventHubConnection',
    eventHubName: '%EVENTHUB_NAME%',
    consumerGroup: process.env.EVENTHUB_CONSUMER_GROUP ? '%EVENTHUB_CONSUMER_GROUP%' : '$Default',
    cardinality: 'many',
    // The checkpoint advances even when an invocation fails, so a failed batch is retried here without a limit.
    retry: {
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { minutes: 1 },
    },
    async handler(messages: unknown, context: InvocationContext) {
      const rawEvents = toRawEvents(messages, context.triggerMetadata ?? {});
      const { events, devices, deferred, unusable, ignored } = await twinkeeper
        .processorFor(context)
        .process(rawEvents);
      if (devices > 0 || ignored > 0 || unusable > 0) {
        context.info(
          `${events} events: ${devices} devices checked, ${deferred} deferred, ${unusable} unusable, ${ignored} ignored.`,
        );
      }
    },
  });
}

/**
 * Asks the runtime for bodies as text. The library then parses each body by itself. Without this option the runtime parses all bodies of a
 * batch as JSON, and one bad body fails the whole batch before the handler runs. The library's types lack `dataType`.
 */
const asText = { dataType: 'string' } as Partial<EventHubTriggerOptions>;

/**
 * Joins the trigger's parallel arrays into events: the entries at one index belong to one event. A batch of one event may come as the body
 * itself and not as an array.
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

/** Appends `Z` to a time without an offset. The runtime's times are UTC and have none. */
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
