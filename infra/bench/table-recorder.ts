import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from '../local/service-child.ts';

/** A recorded request to Table Storage. */
export interface TableRequest {
  readonly method: string;
  readonly table: string;
  /** The `$filter` of a query. */
  readonly filter?: string;
  /** Rows that the service returned. */
  readonly rows: number;
}

/**
 * Starts a proxy in front of a table service on loopback that records each request. `latency` delays each request by this many
 * milliseconds. Signatures stay valid, because they cover the path and not the port.
 */
export async function startTableRecorder(connectionString: string, latency = 0) {
  const requests: TableRequest[] = [];
  const target = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '');
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', target);
    const table = /^\/[^/]+\/(\$batch|\w+)/.exec(url.pathname)?.[1] ?? '';
    const filter = url.searchParams.get('$filter');
    const { method = '', headers } = incoming;
    const forwarded = request(
      { host: target.hostname, port: target.port, path: incoming.url, method, headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const body = Buffer.concat(chunks);
          const rows = method === 'GET' ? rowsIn(body.toString()) : 0;
          requests.push({ method, table, rows, ...(filter === null ? {} : { filter }) });
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(body);
        });
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    setTimeout(() => incoming.pipe(forwarded), latency);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const service: Service<{ readonly connectionString: string }> = {
    endpoints: { connectionString: connectionString.replace(target.origin, `http://127.0.0.1:${port}`) },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return {
    ...service,
    /** Runs `work`. Returns its result and the requests meanwhile, without those that create tables. */
    async during<T>(
      work: () => Promise<T>,
    ): Promise<{ readonly result: T; readonly requests: readonly TableRequest[] }> {
      const from = requests.length;
      const result = await work();
      return { result, requests: requests.slice(from).filter(({ table }) => table !== 'Tables') };
    },
  };
}

export type TableRecorder = Awaited<ReturnType<typeof startTableRecorder>>;

/** Whether a query filters by one partition and a range of row keys. */
export function isKeyRange({ filter }: TableRequest): boolean {
  if (filter === undefined) return false;
  const keys = filter.replaceAll(/'(?:[^']|'')*'/g, "''");
  return /^PartitionKey eq '' and RowKey g[et] '' and RowKey le ''( and |$)/.test(keys);
}

/** The key range of a filter, without other conditions. Empty if the filter has no key range. */
export function keyRangeOf(filter: string): string {
  const value = "'(?:[^']|'')*'";
  return (
    new RegExp(`^PartitionKey eq ${value} and RowKey g[et] ${value} and RowKey le ${value}`).exec(filter)?.[0] ?? ''
  );
}

/** The number of rows in a response body. A single entity counts as one. */
function rowsIn(body: string): number {
  const { value } = JSON.parse(body === '' ? '{}' : body) as { readonly value?: readonly unknown[] };
  return value?.length ?? 1;
}
