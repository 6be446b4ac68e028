import type { Delivery, EventContext, Sender } from 'rhea';
import type { EventLog, LoggedEvent } from '../event-log.ts';
import { encodeEvent } from './encoding.ts';
import type { Refusal } from './refusal.ts';
import type { StartPosition } from './start-position.ts';

/** rhea's `Sender` with the properties that the type declarations of rhea lack. */
type SendingLink = Sender & {
  credit: number;
  readonly session: {
    readonly outgoing: {
      available(): number;
      readonly next_delivery_id: number;
      readonly next_pending_delivery: number;
    };
  };
};

/** Number of sent but unsettled bytes at which a feed pauses. With this limit, a stalled receiver uses little memory. */
const maxUnsettledBytes = 4 * 1024 * 1024;
/**
 * Maximum number of events that a feed sends in one turn of the event loop. With this limit, other receivers and new input do not wait
 * long.
 */
const maxBurst = 500;

/** The running transfer of events from one partition to one receiver. */
export interface Feed {
  /** Stops sending. With a `reason`, also closes the link with this error. */
  stop(reason?: Refusal): void;
}

export interface FeedOptions {
  readonly log: EventLog;
  readonly partitionId: string;
  readonly start: StartPosition;
  /** Whether each message contains the sequence number, the offset and the time of the partition's last event. */
  readonly metrics: boolean;
  /** Called before each burst of events. If the receiver's token has expired, the callback stops the feed and returns `false`. */
  mayContinue(): boolean;
  /** The socket of the connection. The feed corks the socket during a burst of events, so that the whole burst is sent in one write. */
  readonly socket: { cork(): void; uncork(): void };
}

/**
 * Sends the events of a partition to a receiver, from the receiver's start position on. Never sends more events than the receiver's credit
 * allows. Continues when new events are appended to the log.
 */
export function startFeed(
  sender: Sender,
  { log, partitionId, start, metrics, mayContinue, socket }: FeedOptions,
): Feed {
  const link = sender as SendingLink;
  const events = log.events(partitionId);
  const unsettled = new Map<Delivery, number>();
  let unsettledBytes = 0;
  // The feed keeps a sequence number and not an array index, because the log drops its oldest events.
  let nextSequenceNumber = events[start.index]?.sequenceNumber ?? log.count(partitionId);
  let started = false;
  let draining = false;
  let scheduled = false;
  let stopped = false;

  // Several appends and settlements in one turn of the event loop cause only one burst of events.
  const schedule = () => {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(sendBurst);
  };

  function sendBurst(): void {
    scheduled = false;
    if (stopped || !mayContinue()) return;
    const { outgoing } = link.session;
    // rhea lowers `link.credit` only when it writes to the socket, after this turn of the event loop. So the deliveries that are not yet
    // written are subtracted here.
    const credit = link.credit - (outgoing.next_delivery_id - outgoing.next_pending_delivery);
    const room = Math.min(credit, outgoing.available(), maxBurst);
    let sent = 0;
    socket.cork();
    while (sent < room && unsettledBytes < maxUnsettledBytes) {
      const event = nextEvent();
      if (event === undefined) break;
      sent += 1;
      send(event);
    }
    process.nextTick(() => socket.uncork());
    if (nextSequenceNumber >= log.count(partitionId)) {
      if (draining) sender.set_drained(true);
      draining = false;
    } else if (sent === maxBurst) {
      schedule();
    }
  }

  function nextEvent(): LoggedEvent | undefined {
    for (;;) {
      // If the log has dropped the next event, the feed continues with the oldest event in the log, as Event Hubs does.
      const event = events[Math.max(0, nextSequenceNumber - (events[0]?.sequenceNumber ?? 0))];
      if (event === undefined) return undefined;
      nextSequenceNumber = event.sequenceNumber + 1;
      // If the start position is in the future, the feed skips the events before that position.
      started ||= start.matches(event);
      if (started) return event;
    }
  }

  function send(event: LoggedEvent): void {
    const last = metrics ? events.at(-1) : undefined;
    const message = encodeEvent(event, last && { last, now: Date.now() });
    unsettled.set(sender.send(message, deliveryTag(event.sequenceNumber), 0), message.length);
    unsettledBytes += message.length;
  }

  sender.on('settled', ({ delivery }: EventContext) => {
    if (delivery === undefined) return;
    unsettledBytes -= unsettled.get(delivery) ?? 0;
    unsettled.delete(delivery);
    if (nextSequenceNumber < log.count(partitionId)) schedule();
  });
  // Without a listener on the sender, rhea would pass each of these rhea events on to the session, the connection and the container.
  for (const outcome of ['accepted', 'released', 'rejected', 'modified', 'sendable']) sender.on(outcome, () => {});
  sender.on('sender_flow', schedule);
  sender.on('sender_draining', () => {
    draining = true;
    schedule();
  });
  const unsubscribe = log.onAppend(partitionId, schedule);

  return {
    stop(reason) {
      if (stopped) return;
      stopped = true;
      unsubscribe();
      unsettled.clear();
      // With a credit of 0, rhea does not send its buffered events after the link is detached.
      link.credit = 0;
      if (reason !== undefined) sender.close({ condition: reason.condition, description: reason.message });
    },
  };
}

function deliveryTag(sequenceNumber: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(sequenceNumber >>> 0);
  return bytes;
}
