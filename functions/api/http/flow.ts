import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReadableStream as BodyStream } from 'node:stream/web';

/*
 * Answers that come in pieces. `@azure/functions` passes a stream on as fast as it can be read, however slowly the other side takes it, and
 * goes on when nobody is there any more: a whole export would wait in memory. So it is read no faster here than it is taken. Answers on
 * their way are known by the header in which the runtime names the invocation.
 */
const underWay = new Map<string, ServerResponse>();

/** To be called once, while the app loads. */
export function watchAnswers(): void {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    const id = request.headers['x-ms-invocation-id'];
    if (typeof id !== 'string') return;
    underWay.set(id, response);
    response.once('close', () => {
      if (underWay.get(id) === response) underWay.delete(id);
    });
  });
}

/**
 * A body made of these pieces, each of which is asked for when those before it have been taken. When nobody takes them any more, no more
 * are asked for. An error breaks the connection off: an answer that is not whole must not look as if it were.
 */
export function toBody(pieces: AsyncIterable<string>, invocationId: string): BodyStream {
  async function* paced() {
    const response = underWay.get(invocationId);
    try {
      for await (const piece of pieces) {
        yield Buffer.from(piece);
        if (response?.writableNeedDrain === true) await taken(response);
        if (response?.destroyed === true) return;
      }
    } catch (error) {
      response?.destroy();
      throw error;
    }
  }
  return ReadableStream.from(paced());
}

async function taken(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const stop = new AbortController();
  const { signal } = stop;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    stop.abort();
  }
}
