/**
 * What the runtime makes of an event, a queue message or a tick before it hands it to the worker: the trigger's value and its
 * `triggerMetadata`, spelt and typed as the real host does. The library then lower-cases the first letter of every key.
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

/** Worker capabilities that change what the host sends (`app.setup({ capabilities })` can add to them). */
export interface Capabilities {
  readonly includeEmptyEntries: boolean;
}

const json = (value: unknown): RpcTypedData => ({ json: JSON.stringify(value) });

/**
 * An array of strings. A known trap of the real host: empty and null entries are left out, and the array is no longer parallel to the
 * others, unless the app has the capability `IncludeEmptyEntriesInMessagePayload`.
 */
function strings(values: readonly (string | undefined)[], { includeEmptyEntries }: Capabilities): RpcTypedData {
  const entries = values.map((value) => value ?? '');
  return { collectionString: { string: includeEmptyEntries ? entries : entries.filter((entry) => entry !== '') } };
}

/** A .NET `DateTime` in UTC, as Json.NET writes it: as many decimals as there are. */
const utc = (date: Date) => date.toISOString().replace(/\.?0*Z$/, 'Z');
/** A .NET `DateTimeOffset` in UTC. */
const withOffset = (date: Date) => utc(date).replace('Z', '+00:00');
/** What `DateTimeOffset.DateTime` gives: a UTC time that does not say so. */
const unspecified = (date: Date) => utc(date).replace('Z', '');

/** The runtime adds `sys` to every trigger's metadata. */
function withSys(functionName: string, metadata: Record<string, RpcTypedData>): Record<string, RpcTypedData> {
  return {
    ...metadata,
    sys: json({ MethodName: functionName, UtcNow: utc(new Date()), RandGuid: crypto.randomUUID() }),
  };
}

/** An AMQP value as .NET's JSON shows it. */
function fromAmqp(value: unknown): unknown {
  if (value instanceof Date) return utc(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return value;
}

function mapValues(record: Readonly<Record<string, unknown>> | undefined, map: (value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(record ?? {}).map(([key, value]) => [key, map(value)]));
}

/** The AMQP `properties` section in the order and spelling of the specification, which .NET keeps. */
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

/** All of the AMQP `properties` and message annotations, and four names from the days before those were there. */
function systemProperties(event: ReceivedEventData): Record<string, unknown> {
  const { properties, messageAnnotations } = event.getRawAmqpMessage();
  // The client leaves the user id out of the one, and makes numbers of times in both.
  const sections: Readonly<Record<string, unknown>> = { ...event.systemProperties, ...properties };
  const result: Record<string, unknown> = {};
  for (const [name, key] of amqpProperties) {
    const value = sections[key];
    if (value === undefined || value === null) continue;
    if (name === 'user-id') {
      // .NET holds it as `ReadOnlyMemory<byte>`, whose bytes Json.NET does not write. The client has made an object of ours.
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

/** An event's body, which must have been received unparsed, as UTF-8 text. */
function bodyText(event: ReceivedEventData): string {
  return Buffer.isBuffer(event.body) ? event.body.toString('utf8') : String(event.body ?? '');
}

/** Where events come from; becomes `PartitionContext`. */
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
  /** `string` on the trigger makes the bodies an array of strings; otherwise the host parses each as JSON. */
  readonly dataType: unknown;
  readonly capabilities: Capabilities;
}

/**
 * A batch, for cardinality `many`.
 * @throws As the real host does, before the function sees anything of the batch, where a body is not JSON and the trigger's
 *   `dataType` is not `string` (https://github.com/Azure/azure-functions-eventhubs-extension/issues/118).
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
      `Binding parameters to complex objects uses JSON, and a body of the batch is not JSON (${error instanceof Error ? error.message : error}). Set \`dataType: 'string'\` on the trigger to get the raw values. The whole batch is lost to the function.`,
    );
  }
}

/** One event, for cardinality `one`. */
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

/** A storage queue's message as its client receives it. */
export interface QueueMessage {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** A queue message with its text already decoded. */
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

/** What a schedule monitor keeps of a timer. Absent `last`: it has never run. */
export interface ScheduleStatus {
  readonly last?: Date;
  readonly next: Date;
  readonly lastUpdated: Date;
}

/** A tick. Schedules that come more often than every minute have no status. */
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
