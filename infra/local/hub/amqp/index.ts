/**
 * The Event Hubs-compatible endpoint of the local hub. It serves AMQP 1.0 without TLS, on loopback. Clients read the hub's events with the
 * unmodified SDK `@azure/event-hubs`. Tokens, owner levels (epochs), start positions and error texts are the same as in Event Hubs.
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { EventLog } from '../event-log.ts';
import { type ServedConnection, serveConnection } from './connection.ts';
import { Readers } from './readers.ts';

export interface AmqpOptions {
  /** The port to listen on. 0 picks a free port. */
  readonly port: number;
  readonly eventHubName: string;
  /** Name of the shared access policy. The endpoint has only one policy, which may listen and send. */
  readonly keyName: string;
  /** The key of the shared access policy. */
  readonly key: string;
  /** Idle timeout in milliseconds. The endpoint disconnects a client that sends nothing for twice this time. Default: one minute. */
  readonly idleTimeoutMs?: number;
}

export interface AmqpEndpoint {
  readonly port: number;
  /** Connection string for `@azure/event-hubs`. It does not contain the event hub's name: clients pass the name separately. */
  readonly connectionString: string;
  /** Closes every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves an event log to Event Hubs clients. Clients can open links to `$cbs` and `$management`, receivers on
 * `NAME/ConsumerGroups/GROUP/Partitions/N` for any consumer group, and senders on `NAME` and `NAME/Partitions/N`. Rejects with the system
 * error `EADDRINUSE` if the port is in use.
 */
export async function startAmqp(log: EventLog, options: AmqpOptions): Promise<AmqpEndpoint> {
  const { eventHubName, keyName, key, idleTimeoutMs = 60_000 } = options;
  const context = { log, eventHubName, policy: { keyName, key }, readers: new Readers(), idleTimeoutMs };
  const connections = new Set<ServedConnection>();
  const accept = (socket: Socket) => {
    const connection = serveConnection(socket, context);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const { port, servers } = await listenOnLoopback(options.port, accept);
  return {
    port,
    connectionString: `Endpoint=sb://localhost:${port};SharedAccessKeyName=${keyName};SharedAccessKey=${key};UseDevelopmentEmulator=true`,
    async close() {
      const stopped = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      await Promise.all([...connections].map((connection) => connection.close()));
      await Promise.all(stopped);
    },
  };
}

/** The error codes that `listen` can have on a machine without IPv6. */
const noIpv6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'];

/** Listens on the same port of both loopback addresses, because `localhost` can mean the IPv4 or the IPv6 address. */
async function listenOnLoopback(
  port: number,
  accept: (socket: Socket) => void,
): Promise<{ port: number; servers: Server[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const ipv4 = await listen('127.0.0.1', port, accept);
    const address = ipv4.address();
    const actualPort = typeof address === 'object' && address !== null ? address.port : port;
    try {
      return { port: actualPort, servers: [ipv4, await listen('::1', actualPort, accept)] };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (noIpv6.includes(code)) return { port: actualPort, servers: [ipv4] };
      await new Promise((resolve) => ipv4.close(resolve));
      // The port that the system chose may be in use on the IPv6 address. In that case the loop tries another port.
      if (port !== 0 || code !== 'EADDRINUSE' || attempt === 10) throw error;
    }
  }
}

function listen(host: string, port: number, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
