/**
 * Converts an event, a queue message or a timer tick to the data that the runtime sends to the worker: the trigger's value and its
 * `triggerMetadata`. Names and types are those of the real host. The library then lower-cases the first letter of every key.
 *
 * Sources: `EventHubTriggerBindingStrategy.cs` and `AmqpSystemProperties.cs` (azure-sdk-for-net), `QueueTriggerBinding.cs` (the same),
 * `GrpcMessageConversionExtensions.cs` (azure-functions-host).
 */
import type { ReceivedEventData } from '@azure/event-hubs';
import type { RpcTypedData } from './core-api.ts';

export interface TriggerData {
  readonly value: RpcTypedData;
  readonly metadata: Readonly<Record<string, RpcTypedData>>;
}

/** Capabilities of the worker that change the data. `app.setup({ capabilities })` sets them. */
export interface Capabilities {
  readonly includeEmptyEntries: boolean;
}

const json = (value: unknown): RpcTypedData => ({ json: JSON.stringify(value) });

/**
 * An array of strings. Like the real host, this leaves out empty and null entries unless the app has the capability
 * `IncludeEmptyEntriesInMessagePayload`. Without it, an index can mean another event than in the other arrays.
 */
function strings(values: readonly (string | undefined)[], { includeEmptyEntries }: Capabilities): RpcTypedData {
  const entries = values.map((value) => value ?? '');
  return { collectionString: { string: includeEmptyEntries ? entries : entries.filter((entry) => entry !== '') } };
}

/** A .NET `DateTime` in UTC, as Json.NET writes it: without zeros at the end of the decimals. */
const utc = (date: Date) => date.toISOString().replace(/\.?0*Z$/, 'Z');
/** A .NET `DateTimeOffset` in UTC. */
const withOffset = (date: Date) => utc(date).replace('Z', '+00:00');
/** A .NET `DateTimeOffset.DateTime`: a UTC time without the `Z`. */
const unspecified = (date: Date) => utc(date).replace('Z', '');

/** The runtime adds `sys` to every trigger's metadata. */
function withSys(functionName: string, metadata: Record<string, RpcTypedData>): Record<string, RpcTypedData> {
  return {
    ...metadata,
    sys: json({ MethodName: functionName, UtcNow: utc(new Date()), RandGuid: crypto.randomUUID() }),
  };
}

/** An AMQP value as .NET writes it in JSON. */
function fromAmqp(value: unknown): unknown {
  if (value instanceof Date) return utc(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return value;
}

function mapValues(record: Readonly<Record<string, unknown>> | undefined, map: (value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(record ?? {}).map(([key, value]) => [key, map(value)]));
}

/** The names in the AMQP `properties` section, in the order of the specification: as .NET spells them, and as the client does. */
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

/** The AMQP `properties` and message annotations, and four older names for some of them. */
function systemProperties(event: ReceivedEventData): Record<string, unknown> {
  const { properties, messageAnnotations } = event.getRawAmqpMessage();
  // The client leaves the user id out of `systemProperties`. In both sections its times are numbers.
  const sections: Readonly<Record<string, unknown>> = { ...event.systemProperties, ...properties };
  const result: Record<string, unknown> = {};
  for (const [name, key] of amqpProperties) {
    const value = sections[key];
    if (value === undefined || value === null) continue;
    if (name === 'user-id') {
      // .NET has a `ReadOnlyMemory<byte>` here, whose bytes Json.NET does not write. The client has an object with the bytes.
      result[name] = { Length: Object.keys(Object(value)).length, IsEmpty: false };
    } else {
      result[name] = fromAmqp(name.endsWith('-time') ? new Date(Number(value)) : value);
    }
  }
  return {
    ...result,
    ...mapValues(messageAnnotations, fromAmqp),
    SequenceNumber: event.sequenceNumber,
    Offset: event.offset,
    PartitionKey: event.partitionKey ?? null,
    EnqueuedTimeUtc: unspecified(event.enqueuedTimeUtc),
  };
}

/** An event's body as UTF-8 text. The client must have received the body unparsed. */
function bodyText(event: ReceivedEventData): string {
  return Buffer.isBuffer(event.body) ? event.body.toString('utf8') : String(event.body ?? '');
}

/** The source of events. It becomes `PartitionContext`. */
export interface Partition {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
}

function partitionContext(partition: Partition, isCheckpointingAfterInvocation: boolean): RpcTypedData {
  return json({
    IsCheckpointingAfterInvocation: isCheckpointingAfterInvocation,
    FullyQualifiedNamespace: partition.fullyQualifiedNamespace,
    EventHubName: partition.eventHubName,
    ConsumerGroup: partition.consumerGroup,
    PartitionId: partition.partitionId,
  });
}

export interface EventHubBinding {
  readonly functionName: string;
  /** With `string`, the bodies stay strings. Otherwise the host parses each body as JSON. */
  readonly dataType: unknown;
  readonly capabilities: Capabilities;
}

/**
 * The data of a batch, for cardinality `many`.
 * @throws When a body is not JSON and the trigger's `dataType` is not `string`. Like in the real host, the function then gets nothing of
 *   the batch (https://github.com/Azure/azure-functions-eventhubs-extension/issues/118).
 */
export function eventBatch(
  events: readonly ReceivedEventData[],
  partition: Partition,
  isCheckpointing: boolean,
  { functionName, dataType, capabilities }: EventHubBinding,
): TriggerData {
  const bodies = events.map(bodyText);
  return {
    value: dataType === 'string' ? strings(bodies, capabilities) : json(bodies.map(parseBody)),
    metadata: withSys(functionName, {
      PartitionContext: partitionContext(partition, isCheckpointing),
      PartitionKeyArray: strings(
        events.map((event) => event.partitionKey ?? undefined),
        capabilities,
      ),
      OffsetArray: strings(
        events.map((event) => String(event.offset)),
        capabilities,
      ),
      SequenceNumberArray: { collectionSint64: { sint64: events.map((event) => event.sequenceNumber) } },
      EnqueuedTimeUtcArray: json(events.map((event) => unspecified(event.enqueuedTimeUtc))),
      PropertiesArray: json(
        events.map((event) => mapValues(event.getRawAmqpMessage().applicationProperties, fromAmqp)),
      ),
      SystemPropertiesArray: json(events.map(systemProperties)),
    }),
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

/** The data of one event, for cardinality `one`. */
export function singleEvent(
  event: ReceivedEventData,
  partition: Partition,
  isCheckpointing: boolean,
  { functionName }: EventHubBinding,
): TriggerData {
  return {
    value: { string: bodyText(event) },
    metadata: withSys(functionName, {
      PartitionContext: partitionContext(partition, isCheckpointing),
      ...(event.partitionKey && { PartitionKey: { string: event.partitionKey } }),
      Offset: { string: String(event.offset) },
      SequenceNumber: json(event.sequenceNumber),
      EnqueuedTimeUtc: json(unspecified(event.enqueuedTimeUtc)),
      Properties: json(mapValues(event.getRawAmqpMessage().applicationProperties, fromAmqp)),
      SystemProperties: json(systemProperties(event)),
    }),
  };
}

/** A message as the client of the storage queue receives it. */
export interface QueueMessage {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** The data of a queue message. `text` is its decoded text. */
export function queueMessage(message: QueueMessage, text: string, functionName: string): TriggerData {
  return {
    value: { string: text },
    metadata: withSys(functionName, {
      QueueTrigger: { string: text },
      DequeueCount: json(message.dequeueCount),
      ExpirationTime: json(withOffset(message.expiresOn)),
      Id: { string: message.messageId },
      InsertionTime: json(withOffset(message.insertedOn)),
      NextVisibleTime: json(withOffset(message.nextVisibleOn)),
      PopReceipt: { string: message.popReceipt },
    }),
  };
}

/** The stored schedule of a timer. `last` is absent when the timer has never run. */
export interface ScheduleStatus {
  readonly last?: Date;
  readonly next: Date;
  readonly lastUpdated: Date;
}

/** The data of a timer tick. A schedule with several times a minute has no status. */
export function timerInfo(status: ScheduleStatus | undefined, isPastDue: boolean, functionName: string): TriggerData {
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
    metadata: withSys(functionName, {}),
  };
}
