import rhea, { type Message, type MessageUtil } from 'rhea';
import type { EventLog, HubEvent } from '../event-log.ts';
import { Refusal } from './refusal.ts';

/** Part of rhea that its type declarations leave out: reads one encoded value after the other. */
const { Reader } = rhea.types as unknown as {
  readonly Reader: new (
    encoded: Buffer,
  ) => {
    readonly position: number;
    remaining(): number;
    read(): { readonly descriptor?: { readonly value: unknown } };
  };
};
const message: MessageUtil = rhea.message;

/** Largest message that a sender may send: one body of 1 MiB with its properties fits. */
export const maxMessageSize = 2 * 1024 * 1024;
/** The message format of a batch: each data section holds a whole encoded message. */
const batchFormat = 0x80013700;
/** Sections that belong to the way, not to the message: header, delivery annotations, message annotations. */
const sectionsOfTheWay = [0x70, 0x71, 0x72];

/**
 * Takes in what a producer sent: one event, or a batch of them. They go to `partitionId` if given, else by partition key, else to
 * partitions in turn. Bodies and properties are handed on as they came. Throws a `Refusal` of what is too long or no AMQP message.
 */
export function ingest(log: EventLog, sent: Message | Buffer, format: number, partitionId: string | undefined): void {
  // Read all before taking any: a batch is taken whole or not at all.
  for (const event of readEvents(sent, format)) {
    log.append(event, partitionId ?? (event.deviceId === '' ? inTurn(log) : log.partitionOf(event.deviceId)));
  }
}

function readEvents(sent: Message | Buffer, format: number): HubEvent[] {
  if (Buffer.isBuffer(sent) && sent.length > maxMessageSize) {
    throw new Refusal(
      'amqp:link:message-size-exceeded',
      `The message of ${sent.length} bytes is over the limit of ${maxMessageSize} bytes: send smaller batches.`,
    );
  }
  try {
    if (!Buffer.isBuffer(sent)) return [readEvent(message.encode(sent))];
    if (format !== batchFormat) return [readEvent(sent)];
    return [message.decode(sent).body.content].flat().map(readEvent);
  } catch (error) {
    throw new Refusal('amqp:decode-error', `The message cannot be read: ${error}`);
  }
}

function readEvent(encoded: Buffer): HubEvent {
  const { message_annotations: annotations = {}, body } = message.decode(encoded);
  const partitionKey = annotations['x-opt-partition-key'];
  return {
    deviceId: typeof partitionKey === 'string' ? partitionKey : '',
    body: Buffer.isBuffer(body?.content) ? body.content : Buffer.alloc(0),
    correlationId: '',
    userId: '',
    applicationProperties: {},
    annotations: Object.fromEntries(
      Object.entries(annotations).filter(
        (entry): entry is [string, string | Date] =>
          !entry[0].startsWith('x-opt-') && (typeof entry[1] === 'string' || entry[1] instanceof Date),
      ),
    ),
    bareMessage: bareMessage(encoded),
  };
}

function bareMessage(encoded: Buffer): Buffer {
  const reader = new Reader(encoded);
  let start = 0;
  while (reader.remaining() > 0) {
    const { descriptor } = reader.read();
    if (!sectionsOfTheWay.includes(Number(descriptor?.value))) break;
    start = reader.position;
  }
  return encoded.subarray(start);
}

let turns = 0;

function inTurn({ partitionIds }: EventLog): string {
  const partitionId = partitionIds[turns % partitionIds.length] ?? '0';
  turns += 1;
  return partitionId;
}
