/**
 * Sends how large the heap gets while `GET /api/drift` answers with the history of a range of time as CSV: the endpoint's own answer, sent
 * over a connection as `@azure/functions` does, which waits for nobody. Needs `--expose-gc`.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpRequest, type InvocationContext } from '@azure/functions';
import { driftEndpoints } from '../../../functions/api/drift.ts';
import { watchResponses } from '../../../functions/api/http/paced-body.ts';
import type { App } from '../../../functions/compose.ts';
import { createHistory } from '../../../shared/drift/index.ts';
import { givenOptions, sendResult } from '../child.ts';
import { type HeapPeak, HeapWatch } from '../heap-watch.ts';

export interface Exported extends HeapPeak {
  readonly rows: number;
  readonly bytes: number;
}

const { connectionString, from, to } = givenOptions<{
  readonly connectionString: string;
  readonly from: string;
  readonly to: string;
}>();
const now = () => new Date(to);
const { drift } = driftEndpoints({ history: createHistory({ connectionString }, now), now } as unknown as App);

watchResponses();
const server = createServer(async ({ url = '', headers }, response) => {
  const invocationId = String(headers['x-ms-invocation-id']);
  const request = new HttpRequest({ method: 'GET', url: `http://localhost${url}`, headers: { accept: 'text/csv' } });
  const { status = 200, body } = await drift.answer(request, {
    invocationId,
    error: console.error,
  } as unknown as InvocationContext);
  response.statusCode = status;
  if (body instanceof ReadableStream) for await (const piece of body) response.write(piece);
  else response.write(String(body));
  response.end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

/** Asks for rows, as they are taken from the connection, and counts what comes. */
async function take(query: string): Promise<{ readonly rows: number; readonly bytes: number }> {
  const headers = { 'x-ms-invocation-id': crypto.randomUUID() };
  const [answer] = (await once(get({ port, host: '127.0.0.1', path: `/api/drift?${query}`, headers }), 'response')) as [
    IncomingMessage,
  ];
  let lines = 0;
  let bytes = 0;
  let start = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    start ||= String(chunk.subarray(0, 300));
    bytes += chunk.length;
    for (const byte of chunk) if (byte === newline) lines++;
  }
  if (answer.statusCode !== 200) throw new Error(`The export was answered with ${answer.statusCode}: ${start}`);
  // The first line names the columns.
  return { rows: lines - 1, bytes };
}

const newline = 10;
const range = new URLSearchParams({ from, to });
// What is loaded on first use is not what is measured.
await take(`${range}&limit=1`);
const watch = new HeapWatch('collected');
const taken = await take(String(range));
sendResult({ ...watch.end(), ...taken } satisfies Exported);
