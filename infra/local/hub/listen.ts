import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listening {
  readonly port: number;
  /** Stops listening and ends the connections that are left. */
  close(): Promise<void>;
}

/** Binds a server to 127.0.0.1. Rejects with one line for a person, naming the option that sets the port, if that cannot be. */
export function listen(server: Server, port: number, option: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new Error(
          taken
            ? `Port ${port} is in use: stop what listens there, or choose another ${option}.`
            : `Cannot listen on port ${port}: ${error.message}`,
        ),
      );
    });
    server.listen({ port, host: '127.0.0.1' }, () => {
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
