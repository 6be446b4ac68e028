import rhea, { type Message, type MessageUtil } from 'rhea';
import type { EventLog, HubEvent } from '../event-log.ts';
import { Refusal } from './refusal.ts';

/** rhea's reader of encoded AMQP values. The type declarations of rhea lack this class. */
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

/** Maximum size of an accepted message in bytes. A message with a body of 1 MiB and with properties is smaller. */
export const maxMessageSize = 2 * 1024 * 1024;
/** The message format of a batch of events. Each data section of a batch contains one encoded message. */
const batchFormat = 0x80013700;
/** Codes of the sections before the bare message: header, delivery annotations and message annotations. */
const sectionsBeforeBareMessage = [0x70, 0x71, 0x72];

/**
 * Appends the events of a producer's message to the log. The message contains one event or a batch of events. The events go to the
 * partition `partitionId`, if given. Otherwise the partition key of an event selects its partition. Events without a partition key go to
 * the partitions in turn. Bodies and properties stay unchanged. Throws a `Refusal` if the message is too large or invalid. In this case no
 * event is appended.
 */
export function ingest(log: EventLog, sent: Message | Buffer, format: number, partitionId: string | undefined): void {
  // `readEvents` reads the whole batch before the first append, so an invalid batch appends no event.
  for (const event of readEvents(sent, format)) {
    log.append(event, partitionId ?? (event.deviceId === '' ? log.nextPartition() : log.partitionOf(event.deviceId)));
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
