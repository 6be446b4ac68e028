import rhea, { type Message, type MessageUtil } from 'rhea';
import type { EventLog, HubEvent } from '../event-log.ts';
import { Refusal } from './refusal.ts';

/** rhea's reader of encoded values, which its type declarations lack. */
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

/** Largest accepted message in bytes. A body of 1 MiB with properties fits. */
export const maxMessageSize = 2 * 1024 * 1024;
/** The message format of a batch, in which each data section is an encoded message. */
const batchFormat = 0x80013700;
/** Sections before the bare message: header, delivery annotations, message annotations. */
const sectionsBeforeBareMessage = [0x70, 0x71, 0x72];

/**
 * Appends a producer's message to the log: one event or a batch. The partition is `partitionId` if given, else the partition of the
 * partition key, else the next one round-robin. Bodies and properties stay unchanged. Throws a `Refusal` on a message that is too large
 * or invalid, and then appends nothing.
 */
export function ingest(log: EventLog, sent: Message | Buffer, format: number, partitionId: string | undefined): void {
  // `readEvents` reads the whole batch first, so an invalid batch appends no event.
  for (const event of readEvents(sent, format)) {
    log.append(event, partitionId ?? (event.deviceId === '' ? nextPartition(log) : log.partitionOf(event.deviceId)));
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
    if (!sectionsBeforeBareMessage.includes(Number(descriptor?.value))) break;
    start = reader.position;
  }
  return encoded.subarray(start);
}

let roundRobin = 0;

function nextPartition({ partitionIds }: EventLog): string {
  const partitionId = partitionIds[roundRobin % partitionIds.length] ?? '0';
  roundRobin += 1;
  return partitionId;
}
