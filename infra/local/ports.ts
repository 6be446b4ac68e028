/** The ports of the local system: free ones, or a row of them from a base. */
import { createServer } from 'node:net';

/** In the order in which they follow the base. */
const services = ['hub', 'events', 'control', 'functions', 'blobs', 'queues', 'tables'] as const;

/** The port of each service; 0 stands for any free one. */
export type Ports = Readonly<Record<(typeof services)[number], number>>;

/** How many ports the system takes. */
export const portCount = services.length;

/**
 * `base`, `base + 1`, … for the services in their order, or any free ones without a base.
 * @throws One line that names the port where one is in use.
 */
export async function choosePorts(base: number | undefined): Promise<Ports> {
  const ports = services.map((service, index) => [service, base === undefined ? 0 : base + index] as const);
  for (const [service, port] of ports) {
    if (port !== 0 && (await isTaken(port))) {
      throw new Error(
        `Port ${port} (${service}) is in use: stop what listens there, or choose another --port-base (${portCount} ports from there must be free).`,
      );
    }
  }
  return Object.fromEntries(ports) as Ports;
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      else if (error.code === 'EACCES')
        reject(new Error(`Port ${port} may not be used: choose a --port-base above 1023.`));
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(false)));
  });
}
