/**
 * Converts an event, a queue message or a timer tick to the data that the runtime sends to the worker: the trigger's value and the
 * `triggerMetadata`. Names and types are those of the runtime. The library `@azure/functions` then changes the first letter of every
 * metadata key to lower case.
 *
 * Sources: `EventHubTriggerBindingStrategy.cs`, `AmqpSystemProperties.cs` and `QueueTriggerBinding.cs` (azure-sdk-for-net),
 * `GrpcMessageConversionExtensions.cs` (azure-functions-host).
 */
import type { ReceivedEventData } from '@azure/event-hubs';
import type { RpcTypedData } from './core-api.ts';

export interface TriggerData {
  readonly value: RpcTypedData;
  readonly metadata: Readonly<Record<string, RpcTypedData>>;
}

/** The capabilities of the worker that change the trigger data. An app sets them with `app.setup({ capabilities })`. */
export interface Capabilities {
  readonly includeEmptyEntries: boolean;
}

const json = (value: unknown): RpcTypedData => ({ json: JSON.stringify(value) });

/**
 * Converts texts to an array of strings. Like the runtime, leaves out empty and missing texts unless the app has the capability
 * `IncludeEmptyEntriesInMessagePayload`. When texts are left out, the same index can belong to different events in two arrays of the
 * metadata.
 */
function strings(values: readonly (string | undefined)[], { includeEmptyEntries }: Capabilities): RpcTypedData {
  const entries = values.map((value) => value ?? '');
  return { collectionString: { string: includeEmptyEntries ? entries : entries.filter((entry) => entry !== '') } };
}

/** Formats a date as a .NET `DateTime` in UTC, as Json.NET writes it: without trailing zeros in the decimals of the second. */
const utc = (date: Date) => date.toISOString().replace(/\.?0*Z$/, 'Z');
/** Formats a date as a .NET `DateTimeOffset` in UTC: with `+00:00` instead of `Z`. */
const withOffset = (date: Date) => utc(date).replace('Z', '+00:00');
/** Formats a date as a .NET `DateTimeOffset.DateTime`: a UTC time without the `Z`. */
const unspecified = (date: Date) => utc(date).replace('Z', '');

/** Converts an AMQP value to the value that .NET writes in JSON. */
function fromAmqp(value: unknown): unknown {
  if (value instanceof Date) return utc(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return value;
}

function mapValues(record: Readonly<Record<string, unknown>> | undefined, map: (value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(record ?? {}).map(([key, value]) => [key, map(value)]));
}

/**
 * The fields of the AMQP `properties` section, in the order of the AMQP specification. In each pair, the first name is .NET's and the
 * second is the JavaScript client's.
 */
const amqpProperties = [
  ['message-id', 'messageId'],
  ['user-id', 'userId'],
  ['to', 'to'],
  ['subject', 'subject'],
  ['reply-to', 'replyTo'],
  ['correlation-id', 'correlationId'],
  ['content-type', 'contentType'],
  ['content-encoding', 'contentEncoding'],
  ['absolute-expiry-time', 'absoluteExpiryTime'],
  ['creation-time', 'creationTime'],
  ['group-id', 'groupId'],
  ['group-sequence', 'groupSequence'],
  ['reply-to-group-id', 'replyToGroupId'],
] as const;

/** The AMQP `properties` and message annotations of an event. Some of these values also appear under an older name, for example `Offset`. */
function systemProperties(event: ReceivedEventData): Record<string, unknown> {
  const { properties, messageAnnotations } = event.getRawAmqpMessage();
  // The client's `systemProperties` lack the user id, so the AMQP `properties` are added. In both objects, times are numbers.
  const sections: Readonly<Record<string, unknown>> = { ...event.systemProperties, ...properties };
  const result: Record<string, unknown> = {};
  for (const [name, key] of amqpProperties) {
    const value = sections[key];
    if (value === undefined || value === null) continue;
    if (name === 'user-id') {
      // In .NET this value is a `ReadOnlyMemory<byte>`, and Json.NET does not write its bytes. In the client, the value is an object that
      // contains the bytes.
      result[name] = { Length: Object.keys(Object(value)).length, IsEmpty: false };
    } else {
      result[name] = fromAmqp(name.endsWith('-time') ? new Date(Number(value)) : value);
    }
  }
  return {
    ...result,
    ...mapValues(messageAnnotations, fromAmqp),
    // The .NET client converts this one annotation to a `DateTimeOffset`. The others stay `DateTime`.
    'x-opt-enqueued-time': withOffset(event.enqueuedTimeUtc),
    SequenceNumber: event.sequenceNumber,
    Offset: offsetNumber(event),
    OffsetString: String(event.offset),
    PartitionKey: event.partitionKey ?? null,
    EnqueuedTimeUtc: unspecified(event.enqueuedTimeUtc),
  };
}

/** The offset of an event as a number. -1 if the offset is not a number, as in the runtime. */
function offsetNumber({ offset }: ReceivedEventData): number {
  return /^-?\d+$/.test(String(offset)) ? Number(offset) : -1;
}

/** The body of an event as UTF-8 text. The client must not have parsed the body as JSON. */
function bodyText(event: ReceivedEventData): string {
  return Buffer.isBuffer(event.body) ? event.body.toString('utf8') : String(event.body ?? '');
}

/** The partition and the consumer group from which the events come. The function receives these fields as `PartitionContext`. */
export interface Partition {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
}

/** The partition of the trigger, under both of its names in the runtime. */
function partitionContexts(partition: Partition, isCheckpointingAfterInvocation: boolean) {
  const context = json({
    IsCheckpointingAfterInvocation: isCheckpointingAfterInvocation,
    FullyQualifiedNamespace: partition.fullyQualifiedNamespace,
    EventHubName: partition.eventHubName,
    ConsumerGroup: partition.consumerGroup,
    PartitionId: partition.partitionId,
  });
  return { TriggerPartitionContext: context, PartitionContext: context };
}

export interface EventHubBinding {
  /** With the value `string`, the bodies of a batch stay strings. With any other value, the host parses each body as JSON. */
  readonly dataType: unknown;
  readonly capabilities: Capabilities;
}

/**
 * The trigger data of a batch of events, for the cardinality `many`.
 * @throws An Error when a body is not JSON and the trigger's `dataType` is not `string`. As in the runtime, the function then receives no
 *   event of the batch (https://github.com/Azure/azure-functions-eventhubs-extension/issues/118).
 */
export function eventBatch(
  events: readonly ReceivedEventData[],
  partition: Partition,
  isCheckpointing: boolean,
  { dataType, capabilities }: EventHubBinding,
): TriggerData {
  const bodies = events.map(bodyText);
  return {
    value: dataType === 'string' ? strings(bodies, capabilities) : json(bodies.map(parseBody)),
    metadata: {
      ...partitionContexts(partition, isCheckpointing),
      PartitionKeyArray: strings(
        events.map((event) => event.partitionKey ?? undefined),
        capabilities,
      ),
      OffsetArray: { collectionSint64: { sint64: events.map(offsetNumber) } },
      OffsetStringArray: strings(
        events.map((event) => String(event.offset)),
        capabilities,
      ),
      SequenceNumberArray: { collectionSint64: { sint64: events.map((event) => event.sequenceNumber) } },
      EnqueuedTimeUtcArray: json(events.map((event) => unspecified(event.enqueuedTimeUtc))),
      PropertiesArray: json(
        events.map((event) => mapValues(event.getRawAmqpMessage().applicationProperties, fromAmqp)),
      ),
      SystemPropertiesArray: json(events.map(systemProperties)),
    },
  };
}

function parseBody(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new Error(
      `Binding parameters to complex objects uses JSON, and a body of the batch is not JSON (${error instanceof Error ? error.message : error}). Set \`dataType: 'string'\` on the trigger to get the raw values. The function gets nothing of the batch.`,
    );
  }
}

/** The trigger data of one event, for the cardinality `one`. */
export function singleEvent(event: ReceivedEventData, partition: Partition, isCheckpointing: boolean): TriggerData {
  return {
    value: { string: bodyText(event) },
    metadata: {
      ...partitionContexts(partition, isCheckpointing),
      ...(event.partitionKey && { PartitionKey: { string: event.partitionKey } }),
      Offset: json(offsetNumber(event)),
      OffsetString: { string: String(event.offset) },
      SequenceNumber: json(event.sequenceNumber),
      EnqueuedTimeUtc: json(unspecified(event.enqueuedTimeUtc)),
      Properties: json(mapValues(event.getRawAmqpMessage().applicationProperties, fromAmqp)),
      SystemProperties: json(systemProperties(event)),
    },
  };
}

/** The fields of a received queue message, as the client of the storage queue returns them. */
export interface QueueMessage {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** The trigger data of a queue message. `text` is the message's decoded text. */
export function queueMessage(message: QueueMessage, text: string): TriggerData {
  return {
    value: { string: text },
    metadata: {
      QueueTrigger: { string: text },
      DequeueCount: json(message.dequeueCount),
      ExpirationTime: json(withOffset(message.expiresOn)),
      Id: { string: message.messageId },
      InsertionTime: json(withOffset(message.insertedOn)),
      NextVisibleTime: json(withOffset(message.nextVisibleOn)),
      PopReceipt: { string: message.popReceipt },
    },
  };
}

/** The schedule of a timer, as the host stores it in a blob. `last` is absent when the timer has never run. */
export interface ScheduleStatus {
  readonly last?: Date;
  readonly next: Date;
  readonly lastUpdated: Date;
}

/**
 * The trigger data of a timer tick. `status` is undefined when the host stores no schedule, for example when two runs are less than a
 * minute apart.
 */
export function timerInfo(status: ScheduleStatus | undefined, isPastDue: boolean): TriggerData {
  const scheduleStatus = status && {
    Last: status.last === undefined ? '0001-01-01T00:00:00+00:00' : withOffset(status.last),
    Next: withOffset(status.next),
    LastUpdated: withOffset(status.lastUpdated),
  };
  return {
    value: json({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: scheduleStatus ?? null,
      IsPastDue: isPastDue,
    }),
    metadata: {},
  };
}
