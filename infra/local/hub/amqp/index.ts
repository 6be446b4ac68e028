/**
 * The Event Hubs-compatible endpoint of the local hub: plain AMQP 1.0 on loopback, with `@azure/event-hubs` as its client.
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { EventLog } from '../event-log.ts';
import { type ServedConnection, serveConnection } from './connection.ts';
import { Readers } from './readers.ts';

export interface AmqpOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly eventHubName: string;
  /** Name and key of the one shared access policy; it may listen and send. */
  readonly keyName: string;
  readonly key: string;
  /** Clients are asked to make themselves heard this often, in milliseconds, and dropped after twice as long. Default: one minute. */
  readonly idleTimeoutMs?: number;
}

export interface AmqpEndpoint {
  readonly port: number;
  /** For `@azure/event-hubs`, which wants the event hub's name beside it. */
  readonly connectionString: string;
  /** Closes every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves an event log to Event Hubs clients: `$cbs`, `$management`, receivers on `NAME/ConsumerGroups/GROUP/Partitions/N` for any
 * consumer group, and senders on `NAME` and `NAME/Partitions/N`. Rejects with the system's error when the port is taken.
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

/** Machines without IPv6 answer with one of these. */
const noIpv6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'];

/** Listens on one port of both loopback addresses, since `localhost` may be either. */
async function listenOnLoopback(
  port: number,
  accept: (socket: Socket) => void,
): Promise<{ port: number; servers: Server[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const ipv4 = await listen('127.0.0.1', port, accept);
    const address = ipv4.address();
    const taken = typeof address === 'object' && address !== null ? address.port : port;
    try {
      return { port: taken, servers: [ipv4, await listen('::1', taken, accept)] };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (noIpv6.includes(code)) return { port: taken, servers: [ipv4] };
      await new Promise((resolve) => ipv4.close(resolve));
      // A port that the system picked may be in use on the other address; another is as good.
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
