/**
 * The event log of the local hub. Like the Event Hubs-compatible endpoint of IoT Hub, the log has a fixed number of partitions, and events
 * can only be appended. The registry appends events. AMQP receivers read events from any position, and wait for new events.
 */
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** An event that has no position in a partition yet. */
export interface HubEvent {
  /**
   * The id of the device is also the partition key. All events of a device are on the same partition, in order. Empty if an AMQP client
   * sent the event without a partition key.
   */
  readonly deviceId: string;
  /** The body of the event: JSON in UTF-8. */
  readonly body: Buffer;
  readonly correlationId: string;
  /** The hub's name. Receivers get it as the AMQP property `user-id`. */
  readonly userId: string;
  /**
   * AMQP application properties: `hubName`, `deviceId`, `moduleId` (only for modules), `operationTimestamp`, `iothub-message-schema`,
   * `opType`.
   */
  readonly applicationProperties: Readonly<Record<string, string>>;
  /** AMQP message annotations. The annotations `x-opt-…` are missing here, because the endpoint adds them. */
  readonly annotations: Readonly<Record<string, string | Date>>;
  /**
   * The encoded AMQP message, from its properties section to its end. Only an event that an AMQP client sent has it. Receivers get these
   * bytes unchanged, instead of `body`, `correlationId`, `userId` and `applicationProperties`.
   */
  readonly bareMessage?: Buffer;
}

/** An event that was appended to a partition, with its position in this partition. */
export interface LoggedEvent extends HubEvent {
  /** Number of the event in its partition. The first event of a partition has the number 0, and there are no gaps. */
  readonly sequenceNumber: number;
  /** Position of the event in bytes, as in Event Hubs. It is a decimal number as text, and increases with the sequence number. */
  readonly offset: string;
  readonly enqueuedTime: Date;
}

/** The event log. It is in memory only: the events are lost when the hub stops. */
export class EventLog {
  readonly createdAt: Date;
  readonly #partitions: readonly LoggedEvent[][];
  readonly #appended = new EventEmitter().setMaxListeners(0);
  readonly #now: () => Date;
  readonly #retain: number;
  #turn = 0;

  /** Each partition keeps only its newest `retain` events. Throws a `RangeError` unless `retain` is a positive integer or `Infinity`. */
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

  /** The id of the partition that gets the events of this device. */
  partitionOf(deviceId: string): string {
    const hash = createHash('sha256').update(deviceId).digest().readUInt32BE(0);
    return String(hash % this.#partitions.length);
  }

  /** The id of a partition for an event without a device. Returns the partitions in turn. */
  nextPartition(): string {
    const partitionId = String(this.#turn % this.#partitions.length);
    this.#turn += 1;
    return partitionId;
  }

  /**
   * Appends an event to a partition, by default to the partition of the event's device. Throws a `RangeError` if the partition does not
   * exist.
   */
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
   * The number of events that were ever appended to a partition. The next event of the partition gets this number as its sequence number.
   * Throws a `RangeError` if the partition does not exist.
   */
  count(partitionId: string): number {
    const last = this.#events(partitionId).at(-1);
    return last === undefined ? 0 : last.sequenceNumber + 1;
  }

  /**
   * The events that a partition keeps, oldest first. The returned array changes with each append. Throws a `RangeError` if the partition
   * does not exist.
   */
  events(partitionId: string): readonly LoggedEvent[] {
    return this.#events(partitionId);
  }

  /** Calls `callback` after each append to this partition. The returned function ends the subscription. */
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
