import { Refusal } from './refusal.ts';

/** One receiver on a partition. */
export interface Reader {
  readonly name: string;
  /** Also called owner level; `undefined` where the receiver makes no claim to be the only one. */
  readonly epoch: number | undefined;
  disconnect(reason: Refusal): void;
}

/** Event Hubs lets so many receivers without an epoch share a partition in one consumer group. */
const maxSharedReaders = 5;

/**
 * Who reads which partition for which consumer group. A receiver with an epoch is alone: it disconnects those with a lower or equal
 * one, and those with none; while it is there, receivers with a lower epoch or none are refused.
 * https://learn.microsoft.com/azure/event-hubs/event-hubs-event-processor-host#epoch
 */
export class Readers {
  readonly #readers = new Map<string, Set<Reader>>();

  /** Lets the reader in, at the cost of those it outranks, or throws a `Refusal`. The returned function takes it out again. */
  admit(consumerGroup: string, partitionId: string, reader: Reader): () => void {
    const seat = `${consumerGroup.toLowerCase()}/${partitionId}`;
    const present = this.#readers.get(seat) ?? new Set();
    for (const other of present) {
      if (other.epoch !== undefined && other.epoch > (reader.epoch ?? -1)) throw outranked(reader, other, other.epoch);
    }
    if (reader.epoch === undefined && present.size >= maxSharedReaders) {
      throw new Refusal(
        'amqp:resource-limit-exceeded',
        `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${maxSharedReaders}.`,
      );
    }
    if (reader.epoch !== undefined) {
      for (const other of present) {
        present.delete(other);
        other.disconnect(displaced(reader, reader.epoch, other));
      }
    }
    present.add(reader);
    this.#readers.set(seat, present);
    return () => {
      present.delete(reader);
      if (present.size === 0 && this.#readers.get(seat) === present) this.#readers.delete(seat);
    };
  }
}

function displaced(reader: Reader, epoch: number, other: Reader): Refusal {
  return new Refusal(
    'amqp:link:stolen',
    `New receiver '${reader.name}' with higher epoch of '${epoch}' is created hence current receiver '${other.name}' with epoch ` +
      `'${other.epoch ?? 'none'}' is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used.`,
  );
}

function outranked(reader: Reader, other: Reader, epoch: number): Refusal {
  return new Refusal(
    'amqp:link:stolen',
    `Receiver '${other.name}' with a higher epoch '${epoch}' already exists. Receiver '${reader.name}' with epoch ` +
      `${reader.epoch ?? 'none'} cannot be created. Make sure you are creating receiver with increasing epoch value to ensure ` +
      `connectivity, or ensure all old epoch receivers are closed or disconnected.`,
  );
}
