/**
 * What the local hub has emitted: an append-only log on a fixed number of partitions, as the Event Hubs-compatible
 * endpoint of IoT Hub keeps it. Writers append, AMQP receivers read from any position and wait for more.
 */
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** One event as IoT Hub hands it to its event endpoint, before a partition has taken it. */
export interface HubEvent {
  /** Also the partition key: all events of one device stay on one partition, in order. */
  readonly deviceId: string;
  /** The JSON body, already encoded as UTF-8. */
  readonly body: Buffer;
  readonly correlationId: string;
  /** The hub's name; goes into the AMQP `user-id`. */
  readonly userId: string;
  /** AMQP application properties: `hubName`, `deviceId`, `moduleId`?, `operationTimestamp`, `iothub-message-schema`, `opType`. */
  readonly applicationProperties: Readonly<Record<string, string>>;
  /** AMQP message annotations, without the `x-opt-…` ones that the partition adds. Numbers are milliseconds since 1970 or counts. */
  readonly annotations: Readonly<Record<string, string | Date>>;
  /**
   * Set for an event that came over AMQP: its sections from the properties on, as the sender encoded them. They are handed on untouched, in
   * place of what `body`, `correlationId`, `userId` and `applicationProperties` would make.
   */
  readonly bareMessage?: Buffer;
}

/** An event with its place in a partition. */
export interface LoggedEvent extends HubEvent {
  /** Counts from 0 in each partition, without gaps. */
  readonly sequenceNumber: number;
  /** Byte-like position as Event Hubs shows it: a decimal string that grows with the sequence number. */
  readonly offset: string;
  readonly enqueuedTime: Date;
}

/** The log itself. Lives in memory: stopping the hub ends it, as deleting an event hub would. */
export class EventLog {
  readonly createdAt: Date;
  readonly #partitions: readonly LoggedEvent[][];
  readonly #appended = new EventEmitter().setMaxListeners(0);
  readonly #now: () => Date;
  readonly #retain: number;

  /** Each partition keeps its newest `retain` events. Throws a `RangeError` unless that is a whole number from 1 on, or `Infinity`. */
  constructor(partitionCount = 4, now: () => Date = () => new Date(), retain = Number.POSITIVE_INFINITY) {
    if (retain !== Number.POSITIVE_INFINITY && !(Number.isInteger(retain) && retain >= 1)) {
      throw new RangeError(`retain must be a number of events, 1 or more, not ${retain}.`);
    }
    this.#retain = retain;
    this.#partitions = Array.from({ length: partitionCount }, () => []);
    this.#now = now;
    this.createdAt = now();
  }

  /** `"0"`, `"1"`, … */
  get partitionIds(): readonly string[] {
    return this.#partitions.map((_, index) => String(index));
  }

  /** The partition that all events of this device go to. */
  partitionOf(deviceId: string): string {
    const hash = createHash('sha256').update(deviceId).digest().readUInt32BE(0);
    return String(hash % this.#partitions.length);
  }

  /** Takes an event in, on its device's partition unless another is given. Throws a `RangeError` on an unknown partition. */
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

  /** How many events a partition has taken: the sequence number of the next. Throws a `RangeError` on an unknown partition. */
  count(partitionId: string): number {
    const last = this.#events(partitionId).at(-1);
    return last === undefined ? 0 : last.sequenceNumber + 1;
  }

  /** The events that a partition keeps, oldest first. The array grows as events come, and loses its first ones. Throws a `RangeError` on an unknown partition. */
  events(partitionId: string): readonly LoggedEvent[] {
    return this.#events(partitionId);
  }

  /** Calls back after each append to this partition; the returned function ends it. */
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
