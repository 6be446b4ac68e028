import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StorageAccount } from '../../shared/storage/index.ts';

/** What a service does with each request: passes it on, never answers, answers 503, or carries it out and never answers. */
export type ServiceState = 'works' | 'hangs' | 'unavailable' | 'losesAnswers';

/** A service of a storage emulator behind a proxy that can disturb it. */
export interface DisturbedService {
  state: ServiceState;
  /** The states of the next requests, before `state` counts. */
  next: ServiceState[];
  /** Number of requests so far. */
  requests: number;
}

/** A storage account whose services are behind proxies. A request that hangs is given up after some seconds. */
export async function disturbedStorage(connectionString: string) {
  const tables = await startProxy(endpointOf(connectionString, 'TableEndpoint'));
  const queues = await startProxy(endpointOf(connectionString, 'QueueEndpoint'));
  const blobs = await startProxy(endpointOf(connectionString, 'BlobEndpoint'));
  const account: StorageAccount = {
    connectionString: connectionString
      .replace(/(TableEndpoint=http:\/\/)[^/]+/, `$1${tables.host}`)
      .replace(/(QueueEndpoint=http:\/\/)[^/]+/, `$1${queues.host}`)
      .replace(/(BlobEndpoint=http:\/\/)[^/]+/, `$1${blobs.host}`),
    limits: { tryTimeout: 2500, retries: 1, retryDelay: 1 },
  };
  return {
    account,
    tables: tables.service,
    queues: queues.service,
    blobs: blobs.service,
    async close() {
      await Promise.all([tables.close(), queues.close(), blobs.close()]);
    },
  };
}

function endpointOf(connectionString: string, name: string): URL {
  const [, url] = new RegExp(`${name}=([^;]+)`).exec(connectionString) ?? [];
  if (url === undefined) throw new Error(`The connection string has no ${name}.`);
  return new URL(url);
}

async function startProxy(target: URL) {
  const service: DisturbedService = { state: 'works', next: [], requests: 0 };
  const server = createServer((incoming, outgoing) => {
    service.requests += 1;
    const state = service.next.shift() ?? service.state;
    if (state === 'hangs') return;
    if (state === 'unavailable') {
      outgoing.writeHead(503).end();
      return;
    }
    const { method, url, headers } = incoming;
    const options = { host: target.hostname, port: target.port, method, path: url, headers };
    const forwarded = request(options, (answer) => {
      if (state === 'losesAnswers') answer.resume();
      else answer.pipe(outgoing.writeHead(answer.statusCode ?? 500, answer.headers) as ServerResponse);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    service,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
