import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from '../local/service.ts';

/** One request to a table service, as it was seen on its way. */
export interface TableRequest {
  readonly method: string;
  readonly table: string;
  /** `$filter` of a query. */
  readonly filter?: string;
  /** Rows that the service returned. */
  readonly rows: number;
}

/**
 * Stands between the app and a table service on loopback and notes each request: whatever client makes it, and whatever it makes of the
 * answer. The signature of a request is about its path, which stays. With a `latency`, each takes so many milliseconds longer.
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
    /** What was asked meanwhile, but for the opening of tables. */
    async during<T>(
      act: () => Promise<T>,
    ): Promise<{ readonly result: T; readonly requests: readonly TableRequest[] }> {
      const from = requests.length;
      const result = await act();
      return { result, requests: requests.slice(from).filter(({ table }) => table !== 'Tables') };
    },
  };
}

export type TableRecorder = Awaited<ReturnType<typeof startTableRecorder>>;

/** Whether a query is about one partition and a range of keys in it, or about one entity. */
export function isKeyRange({ filter }: TableRequest): boolean {
  if (filter === undefined) return false;
  const keys = filter.replaceAll(/'(?:[^']|'')*'/g, "''");
  return /^PartitionKey eq '' and RowKey g[et] '' and RowKey le ''( and |$)/.test(keys);
}

/** The filter of a query without what it asks beside the range of keys: what the service must go through. */
export function rangeOf(filter: string): string {
  const value = "'(?:[^']|'')*'";
  return (
    new RegExp(`^PartitionKey eq ${value} and RowKey g[et] ${value} and RowKey le ${value}`).exec(filter)?.[0] ?? ''
  );
}

function rowsIn(body: string): number {
  const { value } = JSON.parse(body === '' ? '{}' : body) as { readonly value?: readonly unknown[] };
  return value?.length ?? 1;
}
