/** An ingestion endpoint as Application Insights has one. It records what exporters send, and a test decides the status of its answers. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** One metric that an exporter has sent. */
export interface IngestedMetric {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Ingestion {
  readonly connectionString: string;
  readonly requests: { readonly authorization: string | undefined; readonly metrics: readonly IngestedMetric[] }[];
  /** The status of each answer. 0: the endpoint never answers. */
  status: number;
  close(): void;
}

interface Envelope {
  readonly data?: {
    readonly baseData?: {
      readonly metrics?: readonly { readonly name: string; readonly value: number }[];
      readonly properties?: Readonly<Record<string, string>>;
    };
  };
}

/** Starts the endpoint on loopback. The exporter uses only TLS, so the endpoint needs the certificate of `localhost`. */
export async function startIngestion(tls: { readonly key: string; readonly cert: string }): Promise<Ingestion> {
  const ingestion = { status: 200, requests: [] as Ingestion['requests'][number][] };
  const answer: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
    const envelopes = JSON.parse(text) as readonly Envelope[];
    ingestion.requests.push({
      authorization: request.headers.authorization,
      metrics: envelopes.flatMap(({ data }) =>
        (data?.baseData?.metrics ?? []).map(({ name, value }) => ({
          name,
          value,
          attributes: data?.baseData?.properties ?? {},
        })),
      ),
    });
    if (ingestion.status === 0) return;
    const { length } = envelopes;
    response.writeHead(ingestion.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ itemsReceived: length, itemsAccepted: length, errors: [] }));
  };
  const server = createServer(tls, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(ingestion, {
    connectionString: `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://localhost:${port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
}
