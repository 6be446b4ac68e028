import { Refusal } from './refusal.ts';

/** A receiver that reads a partition. */
export interface Reader {
  readonly name: string;
  /** The receiver's epoch, which is also called owner level. Undefined if the receiver shares the partition with other receivers. */
  readonly epoch: number | undefined;
  disconnect(reason: Refusal): void;
}

/** Maximum number of receivers without an epoch that read one partition in one consumer group. Event Hubs has the same limit. */
const maxSharedReaders = 5;

/**
 * The receivers on each partition, by consumer group. A receiver with an epoch is the only reader of the partition in its consumer group.
 * It disconnects the receivers with a lower epoch, the same epoch or no epoch. While it reads, a new receiver with a lower epoch or no
 * epoch is refused. https://learn.microsoft.com/azure/event-hubs/event-hubs-event-processor-host#epoch
 */
export class Readers {
  readonly #readers = new Map<string, Set<Reader>>();

  /**
   * Adds a reader to a partition. A reader with an epoch disconnects all other readers of this partition in the consumer group. The
   * returned function removes the reader. Throws a `Refusal` if another reader has a higher epoch, or if the new reader has no epoch and
   * five readers are present.
   */
  admit(consumerGroup: string, partitionId: string, reader: Reader): () => void {
    const key = `${consumerGroup.toLowerCase()}/${partitionId}`;
    const current = this.#readers.get(key) ?? new Set();
    for (const other of current) {
      if (other.epoch !== undefined && other.epoch > (reader.epoch ?? -1)) throw outranked(reader, other, other.epoch);
    }
    if (reader.epoch === undefined && current.size >= maxSharedReaders) {
      throw new Refusal(
        'amqp:resource-limit-exceeded',
        `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${maxSharedReaders}.`,
      );
    }
    if (reader.epoch !== undefined) {
      for (const other of current) {
        current.delete(other);
        other.disconnect(displaced(reader, reader.epoch, other));
      }
    }
    current.add(reader);
    this.#readers.set(key, current);
    return () => {
      current.delete(reader);
      if (current.size === 0 && this.#readers.get(key) === current) this.#readers.delete(key);
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
