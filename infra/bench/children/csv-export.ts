/**
 * Exports the history as CSV with `GET /api/drift`, and sends the largest heap size during the export to the parent process. Writes the
 * response without waiting for a slow client, because `@azure/functions` does the same. Needs Node's option `--expose-gc`.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpRequest, type InvocationContext } from '@azure/functions';
import { driftEndpoints } from '../../../functions/api/drift.ts';
import { watchResponses } from '../../../functions/api/http/paced-body.ts';
import { createSlots } from '../../../functions/api/http/slots.ts';
import { createHistory } from '../../../shared/drift/index.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { type HeapPeak, HeapWatch } from '../heap-watch.ts';

/** The numbers of rows and bytes of a CSV export, and the largest heap size during the export. */
export interface CsvExport extends HeapPeak {
  readonly rows: number;
  readonly bytes: number;
}

const { connectionString, from, to } = givenOptions<{
  readonly connectionString: string;
  readonly from: string;
  readonly to: string;
}>();
const now = () => new Date(to);
const { drift } = driftEndpoints({ history: createHistory({ connectionString }, now), now }, createSlots(1));

watchResponses();
const server = createServer(async ({ url = '', headers }, response) => {
  const invocationId = String(headers['x-ms-invocation-id']);
  const request = new HttpRequest({ method: 'GET', url: `http://localhost${url}`, headers: { accept: 'text/csv' } });
  const { status = 200, body } = await drift.answer(request, {
    invocationId,
    error: console.error,
  } as unknown as InvocationContext);
  response.statusCode = status;
  if (body instanceof ReadableStream) for await (const chunk of body) response.write(chunk);
  else response.write(String(body));
  response.end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

/** Requests a CSV export, and counts the rows and bytes of the response. */
async function download(query: string): Promise<{ readonly rows: number; readonly bytes: number }> {
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
  if (answer.statusCode !== 200) throw new Error(`The export failed with status ${answer.statusCode}: ${start}`);
  // The first line of the CSV has the names of the columns, so it does not count as a row.
  return { rows: lines - 1, bytes };
}

const newline = 10;
const range = new URLSearchParams({ from, to });
// The first export is not measured: it loads modules that the app imports on first use.
await download(`${range}&limit=1`);
const watch = new HeapWatch('withoutGarbage');
const size = await download(String(range));
sendResult({ ...watch.end(), ...size } satisfies CsvExport);
