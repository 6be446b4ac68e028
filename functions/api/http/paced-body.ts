/**
 * Answers that are sent as a stream. `@azure/functions` reads a stream as fast as possible. The library does not wait for a slow client,
 * and does not stop when the client disconnects, so a large export would fill the memory. The body that this file makes watches the
 * client's connection, and reads its source only as fast as the client receives.
 *
 * @module
 */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReadableStream as BodyStream } from 'node:stream/web';

/** The HTTP responses that are being sent, by invocation id. The runtime sends the invocation id in a header of each request. */
const openResponses = new Map<string, ServerResponse>();

/** Starts to record the open HTTP response of each invocation. Call this function once, while the app loads. */
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

/** Milliseconds for which a client may receive nothing. Then the connection is closed: a stalled client must not hold an export open. */
const stallLimit = 60_000;

/**
 * Makes the body of an HTTP response from chunks of text. Each chunk is read only after the client has received the chunks before it.
 * Reading stops when the client disconnects, or receives nothing for a minute. An error in `chunks` closes the connection, so that the
 * client does not take an incomplete answer for a complete one.
 *
 * @param onEnd is called once, when the body has ended or the connection is closed
 */
export function toPacedBody(
  chunks: AsyncIterable<string>,
  invocationId: string,
  onEnd: () => void = () => {},
): BodyStream {
  const response = openResponses.get(invocationId);
  let hasEnded = false;
  const end = () => {
    if (!hasEnded) onEnd();
    hasEnded = true;
  };
  // When the client disconnects early, nobody reads the body, and `paced` may never run. `onEnd` must be called in this case too.
  response?.once('close', end);
  async function* paced() {
    try {
      for await (const chunk of chunks) {
        yield Buffer.from(chunk);
        if (response?.writableNeedDrain === true) await drained(response);
        if (response?.destroyed === true) return;
      }
    } catch (error) {
      response?.destroy();
      throw error;
    } finally {
      end();
    }
  }
  return ReadableStream.from(paced());
}

/** Waits until the HTTP response accepts more data, or until it is closed. Closes the response of a client that receives nothing. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const stop = new AbortController();
  const { signal } = stop;
  const timer = setTimeout(() => response.destroy(), stallLimit);
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
