/**
 * Answers that are sent as a stream. `@azure/functions` writes a stream as fast as it can be read: it neither waits for a slow client nor
 * stops when the client disconnects. A large export would pile up in memory. The body that is made here therefore watches the connection
 * and reads its source only as fast as the client does.
 *
 * @module
 */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReadableStream as BodyStream } from 'node:stream/web';

/** The responses that are being sent, by invocation id. The runtime names the invocation in a header of the request. */
const openResponses = new Map<string, ServerResponse>();

/** Starts to record the open response of each invocation. Call this function once, while the app loads. */
export function watchResponses(): void {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    const id = request.headers['x-ms-invocation-id'];
    if (typeof id !== 'string') return;
    openResponses.set(id, response);
    response.once('close', () => {
      if (openResponses.get(id) === response) openResponses.delete(id);
    });
  });
}

/**
 * Makes a response body from text chunks. Each chunk is read only after the client has taken the chunks before it. Reading stops when the
 * client disconnects. An error in `chunks` closes the connection, so that an incomplete answer does not look complete.
 */
export function toPacedBody(chunks: AsyncIterable<string>, invocationId: string): BodyStream {
  async function* paced() {
    const response = openResponses.get(invocationId);
    try {
      for await (const chunk of chunks) {
        yield Buffer.from(chunk);
        if (response?.writableNeedDrain === true) await drained(response);
        if (response?.destroyed === true) return;
      }
    } catch (error) {
      response?.destroy();
      throw error;
    }
  }
  return ReadableStream.from(paced());
}

/** Waits until the response can take more data, or is closed. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const stop = new AbortController();
  const { signal } = stop;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    stop.abort();
  }
}
