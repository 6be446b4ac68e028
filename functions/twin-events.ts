import { app, type EventHubTriggerOptions, type InvocationContext } from '@azure/functions';
import type { RawEvent } from '../shared/events/index.ts';
import type { App } from './compose.ts';

/** `twin-events`: wakes on IoT Hub's twin-change and lifecycle events, in batches. */
export function registerTwinEvents(twinkeeper: App): void {
  // Without this the runtime leaves empty bodies out of the batch, and its arrays are parallel no more.
  app.setup({ capabilities: { IncludeEmptyEntriesInMessagePayload: true } });
  app.eventHub('twin-events', {
    ...asText,
    connection: 'EventHubConnection',
    eventHubName: '%EVENTHUB_NAME%',
    consumerGroup: process.env.EVENTHUB_CONSUMER_GROUP ? '%EVENTHUB_CONSUMER_GROUP%' : '$Default',
    cardinality: 'many',
    // The checkpoint moves on however an invocation ends, so one that fails is tried again here, as often as it takes.
    retry: {
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { minutes: 1 },
    },
    async handler(messages: unknown, context: InvocationContext) {
      const tally = await twinkeeper
        .processorFor(context)
        .process(toRawEvents(messages, context.triggerMetadata ?? {}));
      if (tally.devices > 0 || tally.ignored > 0 || tally.unusable > 0) {
        context.info(
          `${tally.events} events: ${tally.devices} devices looked at, ${tally.deferred} deferred, ${tally.unusable} unusable, ${tally.ignored} ignored.`,
        );
      }
    },
  });
}

/**
 * Asks for bodies as text, which the library then parses one by one, where they parse. Otherwise the runtime parses them all together
 * and, where one is not JSON, fails the whole batch before the handler is called. Missing from the library's types.
 */
const asText = { dataType: 'string' } as Partial<EventHubTriggerOptions>;

/** Puts the trigger's parallel arrays back together into events. A batch of one may come without its array. */
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

/** The runtime's times are UTC, but do not say so. */
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
