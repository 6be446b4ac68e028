/**
 * The event log of the local hub: append-only, with a fixed number of partitions, like the Event Hubs-compatible endpoint of IoT Hub.
 * The registry appends events. AMQP receivers read from any position and wait for new events.
 */
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** An event before it has a position in a partition. */
export interface HubEvent {
  /** Also the partition key: all events of a device are on one partition, in order. */
  readonly deviceId: string;
  /** The JSON body in UTF-8. */
  readonly body: Buffer;
  readonly correlationId: string;
  /** The hub's name, sent as the AMQP `user-id`. */
  readonly userId: string;
  /** AMQP application properties: `hubName`, `deviceId`, `moduleId`?, `operationTimestamp`, `iothub-message-schema`, `opType`. */
  readonly applicationProperties: Readonly<Record<string, string>>;
  /** AMQP message annotations, without the `x-opt-…` annotations that the partition adds. */
  readonly annotations: Readonly<Record<string, string | Date>>;
  /**
   * Only for an event that an AMQP client sent: the encoded message from its properties section on. Receivers get these bytes
   * unchanged, in place of `body`, `correlationId`, `userId` and `applicationProperties`.
   */
  readonly bareMessage?: Buffer;
}

/** An event with its position in a partition. */
export interface LoggedEvent extends HubEvent {
  /** Starts at 0 in each partition and has no gaps. */
  readonly sequenceNumber: number;
  /** Byte position, as in Event Hubs: a decimal string that increases with the sequence number. */
  readonly offset: string;
  readonly enqueuedTime: Date;
}

/** The event log, in memory only: its events are lost when the hub stops. */
export class EventLog {
  readonly createdAt: Date;
  readonly #partitions: readonly LoggedEvent[][];
  readonly #appended = new EventEmitter().setMaxListeners(0);
  readonly #now: () => Date;
  readonly #retain: number;

  /** Each partition keeps its newest `retain` events. Throws a `RangeError` unless `retain` is a positive integer or `Infinity`. */
  constructor(partitionCount = 4, now: () => Date = () => new Date(), retain = Number.POSITIVE_INFINITY) {
    if (retain !== Number.POSITIVE_INFINITY && !(Number.isInteger(retain) && retain >= 1)) {
      throw new RangeError(`retain must be a whole number of events, 1 or more, not ${retain}.`);
    }
    this.#retain = retain;
    this.#partitions = Array.from({ length: partitionCount }, () => []);
    this.#now = now;
    this.createdAt = now();
  }

  /** The ids of all partitions: `"0"`, `"1"`, … */
  get partitionIds(): readonly string[] {
    return this.#partitions.map((_, index) => String(index));
  }

  /** The id of the partition for the events of a device. */
  partitionOf(deviceId: string): string {
    const hash = createHash('sha256').update(deviceId).digest().readUInt32BE(0);
    return String(hash % this.#partitions.length);
  }

  /** Appends an event, by default to its device's partition. Throws a `RangeError` on an unknown partition. */
  append(event: HubEvent, partitionId = this.partitionOf(event.deviceId)): LoggedEvent {
    const events = this.#events(partitionId);
    const previous = events.at(-1);
    const logged: LoggedEvent = {
      ...event,
      sequenceNumber: this.count(partitionId),
      offset: String(previous === undefined ? 0 : Number(previous.offset) + previous.body.length + 256),
      enqueuedTime: this.#now(),
    };
    events.push(logged);
    if (events.length > this.#retain) events.shift();
    this.#appended.emit(partitionId);
    return logged;
  }

  /**
   * The number of events ever appended to a partition, which is also the next sequence number. Throws a `RangeError` on an unknown
   * partition.
   */
  count(partitionId: string): number {
    const last = this.#events(partitionId).at(-1);
    return last === undefined ? 0 : last.sequenceNumber + 1;
  }

  /**
   * The events that a partition keeps, oldest first. The array is live: it changes with each append. Throws a `RangeError` on an
   * unknown partition.
   */
  events(partitionId: string): readonly LoggedEvent[] {
    return this.#events(partitionId);
  }

  /** Calls `callback` after each append to this partition. The returned function unsubscribes. */
  onAppend(partitionId: string, callback: () => void): () => void {
    this.#appended.on(partitionId, callback);
    return () => this.#appended.off(partitionId, callback);
  }

  #events(partitionId: string): LoggedEvent[] {
    const events = this.#partitions[Number(partitionId)];
    if (events === undefined || String(Number(partitionId)) !== partitionId) {
      throw new RangeError(`No partition "${partitionId}": there are ${this.partitionIds.join(', ')}.`);
    }
    return events;
  }
}
