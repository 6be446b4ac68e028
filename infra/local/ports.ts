/** The ports of the local system: any free ports, or consecutive ports from `--port-base`. */
import { createServer } from 'node:net';

/** The services, in the order of their ports after the base. */
const services = ['hub', 'events', 'control', 'functions', 'blobs', 'queues', 'tables'] as const;

/** The port of each service. With 0, the service picks a free port. */
export type Ports = Readonly<Record<(typeof services)[number], number>>;

/** The number of ports that the system uses. */
const portCount = services.length;

/**
 * The ports `base`, `base + 1` and so on, or free ports when there is no base.
 * @throws One line that names a port that is in use or not permitted.
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
