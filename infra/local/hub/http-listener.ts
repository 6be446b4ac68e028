/**
 * Reads requests and writes responses for both HTTP servers of the hub.
 *
 * This file uses `node:http` directly, because web frameworks normalise paths. They would change device ids such as `.`, `..`, `%25` and
 * `a?b`.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorHeaders, HubError, invalid } from './errors.ts';
import { isWithinDepth, type JsonValue } from './json.ts';

/** Maximum size of an accepted request body in bytes. A bulk call with a hundred modules of the maximum size is smaller. */
const maxBodyBytes = 8 * 1024 * 1024;

// Maximum depth of nested values in a request body. All documents of the API are less deep. The stack cannot overflow at this depth.
const maxBodyDepth = 64;

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The body as JSON, where it was needed before. */
  readonly text?: string;
  /** The messages that the call took from the daily quota of the hub. Absent for a free call. */
  readonly messages?: number;
}

export interface ReceivedRequest {
  readonly method: string;
  /** The decoded segments of the path. For example, the path `/devices/` has two segments: `devices` and an empty text. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  /** Parses the body as JSON. Throws 400 if the body is not JSON or is nested deeper than 64 levels. */
  json(): JsonValue;
  /** A signal that aborts when the client disconnects before the response has been sent. */
  readonly signal: AbortSignal;
}

/** An error that makes the server break the connection without a response. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Sends the answer of `respond` to every request. If `respond` throws an error, sends an error response. If that error is a `NoAnswer`,
 * breaks the connection instead. No request stays open, and no error ends the process.
 */
export function requestListener(respond: (request: ReceivedRequest) => Answer | Promise<Answer>): RequestListener {
  return (incoming, response) => {
    const clientGone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) clientGone.abort();
    });
    receive(incoming, clientGone.signal)
      .then(respond)
      .catch((error) => {
        if (error instanceof NoAnswer) throw error;
        return errorAnswer(error);
      })
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  };
}

/** Converts an error to an error response. An error that is not a `HubError` is a bug of the hub, and becomes a 500. */
export function errorAnswer(error: unknown): Answer {
  const known =
    error instanceof HubError
      ? error
      : new HubError('ServerError', `The local hub failed: ${error instanceof Error ? error.message : error}`);
  return { status: known.status, headers: errorHeaders(known.code), body: known.body() };
}

/**
 * Splits the target of a request into the decoded segments of the path and the query parameters. Throws 400 if the percent-encoding is
 * invalid.
 */
export function parseTarget(target: string): Pick<ReceivedRequest, 'segments' | 'query'> {
  const at = target.indexOf('?');
  const path = at === -1 ? target : target.slice(0, at);
  try {
    const segments = path.split('/').slice(1).map(decodeURIComponent);
    return { segments, query: new URLSearchParams(at === -1 ? '' : target.slice(at + 1)) };
  } catch {
    throw invalid(`The path ${path} is not percent-encoded correctly`);
  }
}

/** Parses a request body as JSON. Throws 400 if the body is not UTF-8, is not JSON, or is nested deeper than 64 levels. */
export function parseJson(bytes: Uint8Array): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    throw new HubError('IotHubFormatError', `The body of ${bytes.length} bytes is not JSON in UTF-8`);
  }
  if (!isWithinDepth(value, maxBodyDepth)) throw invalid(`The body is nested deeper than ${maxBodyDepth} levels`);
  return value;
}

async function receive(incoming: IncomingMessage, signal: AbortSignal): Promise<ReceivedRequest> {
  const bytes = await readBody(incoming);
  return {
    method: incoming.method ?? 'GET',
    ...parseTarget(incoming.url ?? '/'),
    header(name) {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    json: () => parseJson(bytes),
    signal,
  };
}

// Reads the whole body even if the body is too large, because a client does not receive the error response while it is still sending.
async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > maxBodyBytes)
    throw new HubError('MessageTooLarge', `The body has ${size} bytes, the limit is ${maxBodyBytes}`);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, answer: Answer): void {
  const body = answer.body === undefined ? undefined : Buffer.from(answer.text ?? JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(answer.status === 204 ? {} : { 'content-length': body?.length ?? 0 }),
    ...answer.headers,
  });
  response.end(body);
}
