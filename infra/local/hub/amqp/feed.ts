import type { Delivery, EventContext, Sender } from 'rhea';
import type { EventLog, LoggedEvent } from '../event-log.ts';
import { encodeEvent } from './encoding.ts';
import type { Refusal } from './refusal.ts';
import type { StartPosition } from './start-position.ts';

/** Properties of rhea's sender that its type declarations lack. */
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

/** Sending to a receiver pauses at this number of unsettled bytes, so a stalled receiver uses little memory. */
const maxUnsettledBytes = 4 * 1024 * 1024;
/** Most events sent in one turn of the event loop, so that other receivers and new input get their turn. */
const maxBurst = 500;

/** The running transfer of a partition's events to one receiver. */
export interface Feed {
  /** Stops sending. With a reason, also closes the link with that error. */
  stop(reason?: Refusal): void;
}

export interface FeedOptions {
  readonly log: EventLog;
  readonly partitionId: string;
  readonly start: StartPosition;
  /** Whether each message carries the partition's last sequence number, offset and time. */
  readonly metrics: boolean;
  /** Called before each burst. Returns `false` if the receiver's token has expired, and then stops the feed itself. */
  mayContinue(): boolean;
  /** The connection's socket, corked during a burst so that the burst is sent in one write. */
  readonly socket: { cork(): void; uncork(): void };
}

/** Sends a partition's events to a receiver, from its start position on, within its credit. Continues when events are appended. */
export function startFeed(
  sender: Sender,
  { log, partitionId, start, metrics, mayContinue, socket }: FeedOptions,
): Feed {
  const link = sender as SendingLink;
  const events = log.events(partitionId);
  const unsettled = new Map<Delivery, number>();
  let unsettledBytes = 0;
  // A sequence number rather than an index, because the log drops its oldest events.
  let nextSequenceNumber = events[start.index]?.sequenceNumber ?? log.count(partitionId);
  let started = false;
  let draining = false;
  let scheduled = false;
  let stopped = false;

  // All appends and settlements in one turn of the event loop cause only one burst.
  const schedule = () => {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(sendBurst);
  };

  function sendBurst(): void {
    scheduled = false;
    if (stopped || !mayContinue()) return;
    const { outgoing } = link.session;
    // rhea lowers the credit only when it writes, after this turn, so pending deliveries are subtracted here.
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
      // If the log has dropped the next event, the oldest kept event comes next, as in Event Hubs.
      const event = events[Math.max(0, nextSequenceNumber - (events[0]?.sequenceNumber ?? 0))];
      if (event === undefined) return undefined;
      nextSequenceNumber = event.sequenceNumber + 1;
      // If the start position is in the future, events before it are skipped.
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
  // Without a listener on the sender, rhea would pass each of these events up to session, connection and container.
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
      // Without credit, rhea sends no buffered event after the detach.
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
