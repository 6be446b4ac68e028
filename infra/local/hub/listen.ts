import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keepAliveTimeout } from '../keep-alive.ts';

/** A running HTTP server. */
export interface RunningServer {
  readonly port: number;
  /** Stops listening and closes open connections. */
  close(): Promise<void>;
}

/**
 * Binds a server to a port of a loopback address. If this fails, rejects with an Error whose message is one line. If the port is in use, the message
 * names `option`, the option that sets the port.
 */
export function listen(server: Server, port: number, option: string, address = '127.0.0.1'): Promise<RunningServer> {
  server.keepAliveTimeout = keepAliveTimeout;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      reject(
        new Error(
          inUse
            ? `Port ${port} is in use: stop the program that listens there, or choose another ${option}.`
            : `Cannot listen on port ${port}: ${error.message}`,
        ),
      );
    });
    server.listen({ port, host: address }, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
