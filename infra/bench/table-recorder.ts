import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from '../local/service-child.ts';

/** One request to Table Storage that was recorded. */
export interface TableRequest {
  readonly method: string;
  readonly table: string;
  /** The `$filter` parameter of a query. Absent when the request has no filter. */
  readonly filter?: string;
  /** True for a request that reads one entity by its two keys. */
  readonly isByKey: boolean;
  /** Number of rows in the response to a GET request. 0 for other requests. */
  readonly rows: number;
  /** Number of bytes in the body of the response. */
  readonly bytes: number;
}

/**
 * Starts a proxy that passes requests on to a table service on loopback and records each request. The proxy delays each request by
 * `latency` milliseconds. The signatures of requests stay valid, because they cover the path and not the port.
 */
export async function startTableRecorder(connectionString: string, latency = 0) {
  const requests: TableRequest[] = [];
  const target = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '');
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', target);
    const table = /^\/[^/]+\/(\$batch|\w+)/.exec(url.pathname)?.[1] ?? '';
    const filter = url.searchParams.get('$filter');
    const isByKey = /\(PartitionKey=.*RowKey=/.test(decodeURIComponent(url.pathname));
    const { method = '', headers } = incoming;
    const forwarded = request(
      { host: target.hostname, port: target.port, path: incoming.url, method, headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const body = Buffer.concat(chunks);
          const rows = method === 'GET' ? rowsIn(body.toString()) : 0;
          requests.push({ method, table, rows, bytes: body.length, isByKey, ...(filter === null ? {} : { filter }) });
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
    /**
     * Runs `work`. Returns the result of `work`, and the requests that were recorded while it ran. Leaves out requests that create tables.
     */
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

/** Whether a request reads one entity by its keys, or its filter begins with one partition key and a range of row keys. */
export function isKeyRange({ filter, isByKey }: TableRequest): boolean {
  if (isByKey) return true;
  if (filter === undefined) return false;
  const keys = filter.replaceAll(/'(?:[^']|'')*'/g, "''");
  return /^PartitionKey (eq|ge '' and PartitionKey le) '' and RowKey g[et] '' and RowKey l[te] ''( and |$)/.test(keys);
}

/** The part of a filter that gives the key range, without other conditions. Empty if the filter has no key range. */
export function keyRangeOf(filter: string): string {
  const value = "'(?:[^']|'')*'";
  return (
    new RegExp(
      `^PartitionKey (?:eq|ge ${value} and PartitionKey le) ${value} and RowKey g[et] ${value} and RowKey l[te] ${value}`,
    ).exec(filter)?.[0] ?? ''
  );
}

/** The number of rows in the body of a response. A body with a single entity has one row. */
function rowsIn(body: string): number {
  const { value } = JSON.parse(body === '' ? '{}' : body) as { readonly value?: readonly unknown[] };
  return value?.length ?? 1;
}
