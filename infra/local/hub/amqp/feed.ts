import type { Delivery, EventContext, Sender } from 'rhea';
import type { EventLog, LoggedEvent } from '../event-log.ts';
import { encodeEvent } from './encoding.ts';
import type { Start } from './position.ts';
import type { Refusal } from './refusal.ts';

/** Part of rhea's sending link that its type declarations leave out. */
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

/** Bytes sent to one receiver and not yet settled by it. A receiver that stops reading holds no more than this, and one event. */
const maxUnsettledBytes = 4 * 1024 * 1024;
/** Events sent before other receivers, and new input, get their turn. */
const maxBurst = 500;

export interface Feed {
  /** Sends no more. With a reason, the link is closed with it; without, the link is closed or lost already. */
  stop(reason?: Refusal): void;
}

export interface FeedOptions {
  readonly log: EventLog;
  readonly partitionId: string;
  readonly start: Start;
  /** Whether the receiver wants to know, with every event, how far the partition reaches. */
  readonly metrics: boolean;
  /** Asked before events are sent: `false` when the receiver may have no more. It is for the asked to stop the feed then. */
  mayContinue(): boolean;
  /** The connection's socket: what is written to it in one burst leaves in one piece. */
  readonly socket: { cork(): void; uncork(): void };
}

/** Sends a partition's events to a receiver from its start position on, as credit and settlement allow, and goes on as events are appended. */
export function startFeed(
  sender: Sender,
  { log, partitionId, start, metrics, mayContinue, socket }: FeedOptions,
): Feed {
  const link = sender as SendingLink;
  const events = log.events(partitionId);
  const unsettled = new Map<Delivery, number>();
  let unsettledBytes = 0;
  // Not an index, for events may go from the front of the log.
  let next = events[start.index]?.sequenceNumber ?? log.count(partitionId);
  let started = false;
  let draining = false;
  let scheduled = false;
  let stopped = false;

  // However many events are appended, and however many deliveries settled, in one turn of the event loop: one burst answers them.
  const schedule = () => {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(burst);
  };

  function burst(): void {
    scheduled = false;
    if (stopped || !mayContinue()) return;
    const { outgoing } = link.session;
    // rhea counts credit down only when it writes, after this turn; until then it is ours to remember.
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
    if (next >= log.count(partitionId)) {
      if (draining) sender.set_drained(true);
      draining = false;
    } else if (sent === maxBurst) {
      schedule();
    }
  }

  function nextEvent(): LoggedEvent | undefined {
    for (;;) {
      // What is gone cannot be sent: then the oldest that is there comes next, as in Event Hubs.
      const event = events[Math.max(0, next - (events[0]?.sequenceNumber ?? 0))];
      if (event === undefined) return undefined;
      next = event.sequenceNumber + 1;
      // Only while the log has nothing past the start position yet can events come that the receiver did not ask for.
      started ||= start.matches(event);
      if (started) return event;
    }
  }

  function send(event: LoggedEvent): void {
    const last = metrics ? events.at(-1) : undefined;
    const message = encodeEvent(event, last && { last, now: Date.now() });
    unsettled.set(sender.send(message, tag(event.sequenceNumber), 0), message.length);
    unsettledBytes += message.length;
  }

  sender.on('settled', ({ delivery }: EventContext) => {
    if (delivery === undefined) return;
    unsettledBytes -= unsettled.get(delivery) ?? 0;
    unsettled.delete(delivery);
    if (next < log.count(partitionId)) schedule();
  });
  // Without a listener here, rhea would offer each of these to session, connection and container.
  for (const outcome of ['accepted', 'released', 'rejected', 'modified', 'sendable']) sender.on(outcome, () => {});
  sender.on('sender_flow', schedule);
  sender.on('sender_draining', () => {
    draining = true;
    schedule();
  });
  const forget = log.onAppend(partitionId, schedule);

  return {
    stop(reason) {
      if (stopped) return;
      stopped = true;
      forget();
      unsettled.clear();
      // What rhea still holds back must not follow the detach.
      link.credit = 0;
      if (reason !== undefined) sender.close({ condition: reason.condition, description: reason.message });
    },
  };
}

function tag(sequenceNumber: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(sequenceNumber >>> 0);
  return bytes;
}
