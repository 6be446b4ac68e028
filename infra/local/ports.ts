/** Chooses the ports of the local system: free ports, or consecutive ports that begin at `--port-base`. */
import { createServer } from 'node:net';

/** The services with a port. The first service gets the port of `--port-base`, and each next service gets the next port. */
const services = ['hub', 'events', 'control', 'functions', 'blobs', 'queues', 'tables'] as const;

/** The port of each service. 0 means that the service chooses a free port when it starts. */
export type Ports = Readonly<Record<(typeof services)[number], number>>;

/** Number of ports that the local system uses. */
const portCount = services.length;

/**
 * Returns the ports `base`, `base + 1` and so on. Without `base`, all ports are 0, and the services choose free ports.
 * @throws An Error whose message is one line and names the port, when a port is in use or may not be used.
 */
export async function choosePorts(base: number | undefined): Promise<Ports> {
  const ports = services.map((service, index) => [service, base === undefined ? 0 : base + index] as const);
  for (const [service, port] of ports) {
    if (port !== 0 && (await isTaken(port))) {
      throw new Error(
        `Port ${port} (${service}) is in use: stop the program that listens there, or choose another --port-base with ${portCount} free ports.`,
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
        reject(new Error(`This user may not use port ${port}: choose a --port-base above 1023.`));
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(false)));
  });
}
