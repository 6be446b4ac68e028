import type { Socket } from 'node:net';
import rhea, {
  type AmqpError,
  type ConnectionOptions,
  type EventContext,
  type Message,
  type Receiver,
  type Sender,
} from 'rhea';
import { type Address, parseAddress } from './address.ts';
import { startFeed } from './feed.ts';
import { ingest, maxMessageSize } from './ingest.ts';
import type { Readers } from './readers.ts';
import { notFound, Refusal } from './refusal.ts';
import { hasToken, putToken, type RequestContext, readManagement, reply } from './requests.ts';
import { Claims } from './sas-token.ts';
import { findStartPosition } from './start-position.ts';

/** The parts of the AMQP endpoint that all connections share. */
export interface ConnectionContext extends RequestContext {
  readonly readers: Readers;
  /**
   * Idle timeout in milliseconds, which the endpoint announces to each client. The endpoint closes a connection on which no frame arrives
   * for twice this time. So a client must send empty frames while it is idle.
   */
  readonly idleTimeoutMs: number;
}

export interface ServedConnection {
  /**
   * Closes the connection, and resolves when the socket is closed. If the client does not close the connection within a second, the
   * endpoint destroys the socket.
   */
  close(): Promise<void>;
}

const container = rhea.create_container({ id: 'twinkeeper-local-hub' });
const saslMechanisms = container.sasl_server_mechanisms as unknown as {
  enable_anonymous(): void;
  [mechanism: string]: () => unknown;
};
saslMechanisms.enable_anonymous();
// Microsoft's .NET client, and so the real function host, asks for the SASL mechanism MSSBCBS. The endpoint treats it like ANONYMOUS: the
// client gets its access from the tokens that it sends later.
saslMechanisms.MSSBCBS = saslMechanisms.ANONYMOUS as () => unknown;

/**
 * Serves AMQP on a client's socket until the socket closes. Never throws: an error of a client ends only a link or the connection of this
 * client.
 */
export function serveConnection(socket: Socket, context: ConnectionContext): ServedConnection {
  const claims = new Claims();
  /** For each link on which the endpoint sends events: the function that stops the sending. */
  const feeds = new Map<Sender, () => void>();
  const replyLinks = new Set<Sender>();
  const options = {
    idle_time_out: context.idleTimeoutMs,
    max_frame_size: 64 * 1024,
    channel_max: 4999,
    reconnect: false,
    receiver_options: { autoaccept: false, credit_window: 300, max_message_size: maxMessageSize },
  };
  const connection = container.create_connection(options as unknown as ConnectionOptions);

  const stopFeeds = (isAffected: (link: Sender) => boolean) => {
    for (const [link, stop] of feeds) if (isAffected(link)) stop();
  };

  function openSender(sender: Sender): void {
    const address = parseAddress(sender.source?.address ?? '', context.eventHubName);
    checkAccess(address);
    if (address.node === 'source') openFeed(sender, address);
    else if (address.node === 'cbs' || address.node === 'management') replyLinks.add(sender);
    else throw notFound(address.path);
    sender.set_source({
      address: sender.source.address,
      ...(sender.source.filter && { filter: sender.source.filter }),
    });
    if (sender.target?.address !== undefined) sender.set_target({ address: sender.target.address });
  }

  function openFeed(sender: Sender, { path, consumerGroup, partitionId }: Address & { node: 'source' }): void {
    const start = findStartPosition(selectorOf(sender), context.log.events(partitionId));
    const epoch = sender.properties?.['com.microsoft:epoch'];
    const stop = (reason?: Refusal) => {
      removeReader();
      feeds.delete(sender);
      feed.stop(reason);
    };
    const removeReader = context.readers.admit(consumerGroup, partitionId, {
      name: String(sender.properties?.['com.microsoft:receiver-name'] ?? 'nil'),
      epoch: typeof epoch === 'number' ? epoch : undefined,
      disconnect: stop,
    });
    const feed = startFeed(sender, {
      log: context.log,
      partitionId,
      start,
      metrics: [sender.desired_capabilities].flat().includes('com.microsoft:enable-receiver-runtime-metric'),
      // The client's token may expire while the link is open.
      mayContinue: () => {
        const refusal = claims.refusal(path, Date.now());
        if (refusal !== undefined) stop(refusal);
        return refusal === undefined;
      },
      socket,
    });
    feeds.set(sender, stop);
  }

  function openReceiver(receiver: Receiver): void {
    const address = parseAddress(receiver.target?.address ?? '', context.eventHubName);
    checkAccess(address);
    if (address.node === 'source') throw notFound(address.path);
    receiver.set_target({ address: receiver.target.address });
    if (receiver.source?.address !== undefined) receiver.set_source({ address: receiver.source.address });
    receiver.on('message', (event) => receive(event, receiver, address));
  }

  /**
   * Throws a `Refusal` unless the address exists and the connection has a token for this address. The address `$cbs` needs no token,
   * because clients send their tokens to it. The address `$management` needs none, because each request can have its own token.
   */
  function checkAccess(address: Address): void {
    if (address.node === 'cbs' || address.node === 'management') return;
    if (address.node === 'unknown') throw notFound(address.path);
    requireClaim(address.path);
    const partitionId = 'partitionId' in address ? address.partitionId : undefined;
    if (partitionId !== undefined && !context.log.partitionIds.includes(partitionId)) throw notFound(address.path);
  }

  function requireClaim(path: string): void {
    const refusal = claims.refusal(path, Date.now());
    if (refusal !== undefined) throw refusal;
  }

  function receive({ message, delivery, ...event }: EventContext, receiver: Receiver, address: Address): void {
    if (message === undefined || delivery === undefined) return;
    try {
      if (address.node === 'sink') ingestMessage(message, event, address);
      else answerRequest(message, receiver, address);
      delivery.accept();
    } catch (error) {
      delivery.reject(errorOf(error));
    }
  }

  function ingestMessage(message: Message, event: object, { path, partitionId }: Address & { node: 'sink' }): void {
    requireClaim(path);
    // If the format of a message is not 0, rhea does not decode the message. It passes the encoded message and the format.
    const format = 'format' in event ? Number(event.format) : 0;
    ingest(context.log, message, format, partitionId);
  }

  function answerRequest(request: Message, receiver: Receiver, address: Address): void {
    reply(request, receiver, replyLinks, () => {
      if (address.node === 'cbs') return putToken(request, claims, context);
      if (address.node === 'management' && !hasToken(request)) requireClaim(address.path);
      return readManagement(request, context);
    });
  }

  connection.on('sender_open', ({ sender }: EventContext) => sender && refuseOnError(sender, () => openSender(sender)));
  connection.on(
    'receiver_open',
    ({ receiver }: EventContext) => receiver && refuseOnError(receiver, () => openReceiver(receiver)),
  );
  for (const closing of ['sender_close', 'sender_error']) {
    connection.on(closing, ({ sender }: EventContext) => {
      if (sender === undefined) return;
      replyLinks.delete(sender);
      stopFeeds((link) => link === sender);
    });
  }
  for (const closing of ['session_close', 'session_error']) {
    connection.on(closing, ({ session }: EventContext) => {
      for (const link of replyLinks) if (link.session === session) replyLinks.delete(link);
      stopFeeds((link) => link.session === session);
    });
  }
  const stopAll = () => {
    replyLinks.clear();
    stopFeeds(() => true);
  };
  connection.on('connection_close', stopAll);
  // rhea throws or prints its own events that have no listener. These listeners do nothing, because the socket's `close` event does the
  // cleanup.
  for (const ignored of ['receiver_close', 'receiver_error', 'connection_error', 'disconnected']) {
    connection.on(ignored, () => {});
  }
  // When a client sends invalid AMQP, rhea closes only its own side of the connection. The client may never close the other side, so the
  // socket is destroyed.
  for (const violation of ['protocol_error', 'error'])
    connection.on(violation, () => destroySocket('The client violated the AMQP protocol.'));
  // rhea checks for idle clients only after the connection is open. Before that, the timeout of the socket applies.
  socket.setTimeout(2 * context.idleTimeoutMs, () => destroySocket('The client did not open a connection.'));
  connection.on('connection_open', () => socket.setTimeout(0));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(stopAll);
  connection.accept(socket);

  /** Closes the socket at once. The error is necessary, because rhea stops its timers only when the socket closes with an error. */
  function destroySocket(reason: string): void {
    socket.destroy(new Error(reason));
  }

  return {
    async close() {
      if (connection.is_open()) {
        connection.close({ condition: 'amqp:connection:forced', description: 'The local hub is stopping.' });
        const force = setTimeout(() => destroySocket('The client did not close the connection.'), 1000);
        await closed;
        clearTimeout(force);
      } else {
        destroySocket('The client did not open a connection.');
        await closed;
      }
    },
  };
}

/**
 * Runs `open`. If `open` throws an error, refuses the link: attaches the link and then detaches it with the error, as AMQP requires (part
 * 2.6.3).
 */
function refuseOnError(link: Sender | Receiver, open: () => void): void {
  try {
    open();
  } catch (error) {
    link.close(errorOf(error));
  }
}

function errorOf(error: unknown): AmqpError {
  if (error instanceof Refusal) return { condition: error.condition, description: error.message };
  return { condition: 'amqp:internal-error', description: `The local hub failed: ${error}` };
}

/**
 * The text of a receiver's selector filter, or undefined if the receiver has no filter. The name of the filter does not matter. Throws a
 * `Refusal` if the filter is not a string.
 */
function selectorOf(sender: Sender): string | undefined {
  const filters = Object.values(sender.source.filter ?? {});
  const [filter] = filters;
  if (filter === undefined || filter === null) return undefined;
  const selector = typeof filter === 'string' ? filter : filter.value;
  if (typeof selector === 'string') return selector;
  throw new Refusal(
    'amqp:not-allowed',
    `The link '${sender.name}' has an invalid filter: a selector must be a string.`,
  );
}
