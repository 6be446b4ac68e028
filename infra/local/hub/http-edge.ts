/**
 * What both HTTP servers of the hub have in common: reading a request without losing a byte of its path, and writing an answer.
 * On `node:http` alone, because device ids such as `.`, `..`, `%25` and `a?b` only survive where nothing normalises the path.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { HubError, invalid } from './errors.ts';
import { isWithinDepth, type JsonValue } from './json.ts';

/** A request body larger than this is refused: a bulk call of a hundred modules at their limits stays below. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

// Far beyond any document of the API, and far from where recursion would end.
const MAX_BODY_DEPTH = 64;

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ReceivedRequest {
  readonly method: string;
  /** The parts of the path, decoded. `/devices/` is `devices` and an empty part. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  /** The body as JSON. Throws 400 if it is none, or is nested beyond all reason. */
  json(): JsonValue;
  /** Aborts when the client is gone before it was answered. */
  readonly signal: AbortSignal;
}

/** Thrown in place of an answer: the connection breaks without one. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Answers every request with what `respond` makes of it, and with the error's answer where it throws; breaks the connection where that
 * is a `NoAnswer`. Never lets a request hang or the process end.
 */
export function requestListener(respond: (request: ReceivedRequest) => Answer | Promise<Answer>): RequestListener {
  return (incoming, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    receive(incoming, gone.signal)
      .then(respond)
      .catch((error) => {
        if (error instanceof NoAnswer) throw error;
        return errorAnswer(error);
      })
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  };
}

/** The answer that tells a client of an error. What is no `HubError` is a fault of the hub: 500. */
export function errorAnswer(error: unknown): Answer {
  const known =
    error instanceof HubError
      ? error
      : new HubError('ServerError', `The local hub failed: ${error instanceof Error ? error.message : error}`);
  return { status: known.status, headers: { 'iothub-errorcode': known.code }, body: known.body() };
}

/** Splits the target of a request into decoded path segments and query. Throws 400 on a stray percent sign. */
export function parseTarget(target: string): Pick<ReceivedRequest, 'segments' | 'query'> {
  const at = target.indexOf('?');
  const path = at === -1 ? target : target.slice(0, at);
  try {
    const segments = path.split('/').slice(1).map(decodeURIComponent);
    return { segments, query: new URLSearchParams(at === -1 ? '' : target.slice(at + 1)) };
  } catch {
    throw invalid(`The path ${path} is not percent-encoded as it should be`);
  }
}

/** Parses a body as JSON. Throws 400 on what is not UTF-8, not JSON, or nested beyond all reason. */
export function parseJson(bytes: Uint8Array): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    throw new HubError('IotHubFormatError', `The body of ${bytes.length} bytes is not JSON in UTF-8`);
  }
  if (!isWithinDepth(value, MAX_BODY_DEPTH)) throw invalid(`The body is nested deeper than ${MAX_BODY_DEPTH} levels`);
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

// Reads on past the limit without keeping anything: a client that is still sending would not see the answer.
async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MAX_BODY_BYTES)
    throw new HubError('MessageTooLarge', `The body has ${size} bytes, and may have ${MAX_BODY_BYTES}`);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, answer: Answer): void {
  const body = answer.body === undefined ? undefined : Buffer.from(JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(answer.status === 204 ? {} : { 'content-length': body?.length ?? 0 }),
    ...answer.headers,
  });
  response.end(body);
}
