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
import { startPosition } from './position.ts';
import type { Readers } from './readers.ts';
import { notFound, Refusal } from './refusal.ts';
import { putToken, readManagement, reply, type Service } from './requests.ts';
import { Claims } from './sas-token.ts';

export interface ConnectionContext extends Service {
  readonly readers: Readers;
  /** A client that is silent for twice this long is taken for dead. The client is told, and sends empty frames in good time. */
  readonly idleTimeoutMs: number;
}

export interface ServedConnection {
  /** Says goodbye to the client, and is done when the socket is closed, by force if the client does not answer within a second. */
  close(): Promise<void>;
}

const container = rhea.create_container({ id: 'twinkeeper-local-hub' });
container.sasl_server_mechanisms.enable_anonymous();

/** Speaks AMQP on a socket that a client has opened, until one of them closes it. Never throws: what a client gets wrong ends its link or connection. */
export function serveConnection(socket: Socket, context: ConnectionContext): ServedConnection {
  const claims = new Claims();
  /** How to end what is sent on each link. */
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
    for (const [link, end] of feeds) if (isAffected(link)) end();
  };

  function openSender(sender: Sender): void {
    const address = parseAddress(sender.source?.address ?? '', context.eventHubName);
    admit(address);
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
    const start = startPosition(selectorOf(sender), context.log.events(partitionId));
    const epoch = sender.properties?.['com.microsoft:epoch'];
    const end = (reason?: Refusal) => {
      leave();
      feeds.delete(sender);
      feed.stop(reason);
    };
    const leave = context.readers.admit(consumerGroup, partitionId, {
      name: String(sender.properties?.['com.microsoft:receiver-name'] ?? 'nil'),
      epoch: typeof epoch === 'number' ? epoch : undefined,
      disconnect: end,
    });
    const feed = startFeed(sender, {
      log: context.log,
      partitionId,
      start,
      metrics: [sender.desired_capabilities].flat().includes('com.microsoft:enable-receiver-runtime-metric'),
      // A token may run out while the link is open.
      mayContinue: () => {
        const refusal = claims.refusal(path, Date.now());
        if (refusal !== undefined) end(refusal);
        return refusal === undefined;
      },
      socket,
    });
    feeds.set(sender, end);
  }

  function openReceiver(receiver: Receiver): void {
    const address = parseAddress(receiver.target?.address ?? '', context.eventHubName);
    admit(address);
    if (address.node === 'source') throw notFound(address.path);
    receiver.set_target({ address: receiver.target.address });
    if (receiver.source?.address !== undefined) receiver.set_source({ address: receiver.source.address });
    receiver.on('message', (event) => receive(event, receiver, address));
  }

  /** Whether the address exists and the connection has a token for it; `$cbs` is where tokens are put, and needs none. */
  function admit(address: Address): void {
    if (address.node === 'cbs') return;
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
      if (address.node === 'sink') take(message, event, address);
      else answer(message, receiver, address);
      delivery.accept();
    } catch (error) {
      delivery.reject(errorOf(error));
    }
  }

  function take(message: Message, event: object, { path, partitionId }: Address & { node: 'sink' }): void {
    requireClaim(path);
    // rhea leaves the message undecoded, and says its format, where that is not the plain one.
    const format = 'format' in event ? Number(event.format) : 0;
    ingest(context.log, message, format, partitionId);
  }

  function answer(request: Message, receiver: Receiver, address: Address): void {
    reply(request, receiver, replyLinks, () => {
      if (address.node === 'cbs') return putToken(request, claims, context);
      if (address.node === 'management') requireClaim(address.path);
      return readManagement(request, context);
    });
  }

  connection.on('sender_open', ({ sender }: EventContext) => sender && orRefuse(sender, () => openSender(sender)));
  connection.on(
    'receiver_open',
    ({ receiver }: EventContext) => receiver && orRefuse(receiver, () => openReceiver(receiver)),
  );
  for (const gone of ['sender_close', 'sender_error']) {
    connection.on(gone, ({ sender }: EventContext) => {
      if (sender === undefined) return;
      replyLinks.delete(sender);
      stopFeeds((link) => link === sender);
    });
  }
  for (const gone of ['session_close', 'session_error']) {
    connection.on(gone, ({ session }: EventContext) => {
      for (const link of replyLinks) if (link.session === session) replyLinks.delete(link);
      stopFeeds((link) => link.session === session);
    });
  }
  const leave = () => {
    replyLinks.clear();
    stopFeeds(() => true);
  };
  connection.on('connection_close', leave);
  // A listener for each, because rhea throws or prints what nobody listens for. The socket's end does what is to be done.
  for (const quiet of ['receiver_close', 'receiver_error', 'connection_error', 'disconnected']) {
    connection.on(quiet, () => {});
  }
  // What is not AMQP, or not allowed in it. rhea would end its side only, and the other may never end.
  for (const broken of ['protocol_error', 'error'])
    connection.on(broken, () => abandon('The client broke the protocol.'));
  // rhea watches for silence only once the connection is open.
  socket.setTimeout(2 * context.idleTimeoutMs, () => abandon('The client has opened no connection.'));
  connection.on('connection_open', () => socket.setTimeout(0));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(leave);
  connection.accept(socket);

  /** Closes the socket at once, with an error, since rhea stops its timers on nothing less. */
  function abandon(why: string): void {
    socket.destroy(new Error(why));
  }

  return {
    async close() {
      if (connection.is_open()) {
        connection.close({ condition: 'amqp:connection:forced', description: 'The local hub is stopping.' });
        const force = setTimeout(() => abandon('The client does not close the connection.'), 1000);
        await closed;
        clearTimeout(force);
      } else {
        abandon('The client has opened no connection.');
        await closed;
      }
    },
  };
}

/** A link that is refused is attached and detached at once, with the reason: AMQP knows no other refusal (part 2.6.3). */
function orRefuse(link: Sender | Receiver, open: () => void): void {
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

/** The selector filter of a receiver, under whichever name it is sent. Throws a `Refusal` if it is no string. */
function selectorOf(sender: Sender): string | undefined {
  const filters = Object.values(sender.source.filter ?? {});
  const [filter] = filters;
  if (filter === undefined || filter === null) return undefined;
  const selector = typeof filter === 'string' ? filter : filter.value;
  if (typeof selector === 'string') return selector;
  throw new Refusal(
    'amqp:not-allowed',
    `The link '${sender.name}' contains an invalid filter: a selector is a string.`,
  );
}
