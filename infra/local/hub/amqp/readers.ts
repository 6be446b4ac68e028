import { Refusal } from './refusal.ts';

/** A receiver on a partition. */
export interface Reader {
  readonly name: string;
  /** The receiver's epoch, also called owner level. `undefined` if the receiver shares the partition. */
  readonly epoch: number | undefined;
  disconnect(reason: Refusal): void;
}

/** Event Hubs' limit of receivers without an epoch on one partition in one consumer group. */
const maxSharedReaders = 5;

/**
 * The receivers on each partition, by consumer group. A receiver with an epoch reads alone: it disconnects receivers with a lower, equal
 * or no epoch. While it reads, receivers with a lower or no epoch are refused.
 * https://learn.microsoft.com/azure/event-hubs/event-hubs-event-processor-host#epoch
 */
export class Readers {
  readonly #readers = new Map<string, Set<Reader>>();

  /**
   * Adds a reader. A reader with an epoch disconnects all others. The returned function removes the reader. Throws a `Refusal` if a reader
   * has a higher epoch, or if five readers without an epoch are present.
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
