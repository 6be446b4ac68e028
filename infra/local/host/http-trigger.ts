/** HTTP triggers on loopback, with routes, function keys and streamed responses. The same server has the host's own admin endpoints. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { keepAliveTimeout } from '../keep-alive.ts';
import type { RpcHttpCookie, RpcHttpData, RpcTypedData } from './core-api.ts';
import { describeError } from './log.ts';
import { parseRoute, type Route } from './route.ts';
import type { TriggeredFunction, TriggerHost } from './trigger.ts';
import type { TriggerData } from './trigger-data.ts';

/**
 * The keys that callers send. Both keys give access to functions with the authorization level `function`. Only the master key gives access
 * to the level `admin`.
 */
export interface Keys {
  readonly functionKey: string;
  readonly masterKey: string;
}

/**
 * The keys of this host, from the settings `TWINKEEPER_LOCAL_FUNCTION_KEY` and `TWINKEEPER_LOCAL_MASTER_KEY`. A key without a setting is
 * random, with 22 characters.
 */
export function hostKeys(environment: Readonly<Record<string, string | undefined>>): Keys {
  return {
    functionKey: environment.TWINKEEPER_LOCAL_FUNCTION_KEY ?? randomBytes(16).toString('base64url'),
    masterKey: environment.TWINKEEPER_LOCAL_MASTER_KEY ?? randomBytes(16).toString('base64url'),
  };
}

export interface HttpOptions {
  /** The port to listen on. 0 picks a free port. */
  readonly port: number;
  readonly functions: readonly TriggeredFunction[];
  readonly keys: Keys;
  /**
   * The URL at which the library `@azure/functions` receives streamed requests: the app's capability `HttpUri`. Undefined when the app does
   * not stream requests.
   */
  readonly streamUri: string | undefined;
  /** Handlers for `GET /admin/…`, by path in lower case. The server sends the result of a handler as JSON. */
  readonly admin: Readonly<Record<string, () => unknown>>;
  /**
   * Finds the function that `POST /admin/functions/NAME` runs. The returned callback runs this function once. Returns undefined when the
   * function does not exist, or when its trigger cannot run it on request.
   */
  readonly runNow: (name: string) => (() => Promise<void>) | undefined;
}

export interface HttpServer {
  /** The server's address: `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

interface RoutedFunction {
  readonly name: string;
  readonly route: Route;
  readonly methods: readonly string[];
  readonly authLevel: string;
}

/**
 * Starts the HTTP server on loopback.
 * @throws An Error whose message is one line and names the port, when the port is in use.
 */
export async function startHttpServer(host: TriggerHost, options: HttpOptions): Promise<HttpServer> {
  const prefix = host.hostJson.routePrefix.replaceAll(/^\/+|\/+$/g, '');
  const routes = options.functions
    .map((triggered): RoutedFunction => {
      const { name, options: trigger } = triggered;
      return {
        name,
        route: parseRoute(`${prefix}/${trigger.route ?? name}`),
        methods: (trigger.methods as string[]).map((method) => method.toUpperCase()),
        authLevel: String(trigger.authLevel).toLowerCase(),
      };
    })
    .sort((a, b) => (a.route.precedence < b.route.precedence ? -1 : 1));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    const path = url.pathname.toLowerCase();
    const key = String(request.headers['x-functions-key'] ?? url.searchParams.get('code') ?? '');
    const admin = options.admin[path];
    if (admin !== undefined && request.method === 'GET') return sendJson(response, 200, admin());
    if (path.startsWith('/admin/functions/') && request.method === 'POST') {
      if (!sameKey(key, options.keys.masterKey)) return send(response, 401);
      const run = options.runNow(decodeURIComponent(url.pathname.slice('/admin/functions/'.length)));
      if (run === undefined) return send(response, 404);
      void run();
      return send(response, 202);
    }
    for (const { name, route, methods, authLevel } of routes) {
      const parameters = methods.includes(request.method ?? '') ? route.match(url.pathname) : undefined;
      if (parameters === undefined) continue;
      if (!isAllowed(authLevel, key, options.keys)) return send(response, 401);
      return invoke(name, request, response, url, parameters);
    }
    if (path === '/') return sendHomePage(response);
    send(response, 404);
  }

  async function invoke(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (options.streamUri === undefined) {
      const data = wholeRequest(request, url, parameters, await buffer(request));
      const outcome = await host.invoker.invoke(name, () => data);
      if (!outcome.succeeded) return send(response, 500);
      return sendRpcResponse(response, httpResult(outcome.response.outputData, outcome.response.returnValue));
    }
    const invocationId = crypto.randomUUID();
    const outcome = host.invoker.invoke(name, () => streamedRequest(request, parameters), { invocationId });
    const stop = new AbortController();
    const relayed = relay(options.streamUri, request, response, url, invocationId, stop.signal).then(() => 'relayed');
    const first = await Promise.race([outcome, relayed]);
    if (typeof first === 'string') return;
    // The handler has ended. If the handler returned a response, the library sends it. On a busy machine, the response can arrive long after
    // the handler has ended.
    if (first.succeeded && first.returned !== undefined && first.returned !== null) {
      await relayed;
      return;
    }
    // The handler failed or returned nothing. The library then never answers the streamed request, so the host answers it.
    stop.abort();
    await relayed.catch(() => undefined);
    if (!response.headersSent) send(response, first.succeeded ? 204 : 500);
  }

  const server = createServer({ keepAliveTimeout }, (request, response) => {
    answer(request, response).catch((error) => {
      host.log('error', 'host', `${request.method} ${request.url}: ${describeError(error)}`);
      if (!response.headersSent) send(response, 500);
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${options.port} is in use: stop what listens there, or choose another for the function host.`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken) : error);
    });
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 2_000).unref();
      return closed;
    },
  };
}

function isAllowed(authLevel: string, key: string, keys: Keys): boolean {
  if (authLevel === 'anonymous') return true;
  return sameKey(key, keys.masterKey) || (authLevel === 'function' && sameKey(key, keys.functionKey));
}

function sameKey(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

const nullable = (values: Iterable<readonly [string, string]>) =>
  Object.fromEntries([...values].map(([key, value]) => [key, { value }]));

/** The query parameters. As in the runtime, a parameter that is given twice has both values in one text: `1,2`. */
function joinedQuery({ searchParams }: URL): [string, string][] {
  return [...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name).join(',')]);
}

function headersOf(request: IncomingMessage): [string, string][] {
  return Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
}

function wholeRequest(
  request: IncomingMessage,
  url: URL,
  parameters: Readonly<Record<string, string>>,
  body: Buffer,
): TriggerData {
  const http: RpcHttpData = {
    method: request.method ?? 'GET',
    url: url.href,
    nullableHeaders: nullable(headersOf(request)),
    nullableQuery: nullable(joinedQuery(url)),
    nullableParams: nullable(Object.entries(parameters)),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
  return { value: { http }, metadata: {} };
}

/**
 * The trigger data of a streamed request: route parameters and headers. The library's HTTP server receives the body directly, through
 * `relay`.
 */
function streamedRequest(request: IncomingMessage, parameters: Readonly<Record<string, string>>): TriggerData {
  const values = Object.entries(parameters).map(([name, value]): [string, RpcTypedData] => [name, { string: value }]);
  const headers = { json: JSON.stringify(Object.fromEntries(headersOf(request))) };
  return { value: { http: {} }, metadata: { ...Object.fromEntries(values), Headers: headers } };
}

/** Forwards a request to the library's HTTP server, and streams the response of that server to the client. */
function relay(
  streamUri: string,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  invocationId: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      new URL(url.pathname + url.search, streamUri),
      {
        method: request.method,
        signal,
        // The worker's server closes unused connections after five seconds, and the host would meet one that is just closing.
        agent: false,
        headers: {
          ...request.headers,
          'x-ms-invocation-id': invocationId,
          'x-forwarded-host': url.host,
          'x-forwarded-proto': 'http',
        },
      },
      (incoming) => {
        const { 'x-ms-invocation-id': _, connection: __, 'keep-alive': ___, ...headers } = incoming.headers;
        response.writeHead(incoming.statusCode ?? 500, headers);
        response.flushHeaders();
        pipeline(incoming, response).then(resolve, reject);
      },
    );
    outgoing.once('error', reject);
    request.pipe(outgoing);
  });
}

function httpResult(
  outputs: readonly { readonly data: RpcTypedData }[] | undefined,
  returnValue: RpcTypedData | null | undefined,
): RpcHttpData | undefined {
  return (returnValue ?? outputs?.find(({ data }) => data.http !== undefined)?.data)?.http;
}

function sendRpcResponse(response: ServerResponse, http: RpcHttpData | undefined): void {
  // As in the runtime, the response has the status 204 when the handler returns nothing.
  if (http === undefined) {
    send(response, 204);
    return;
  }
  const cookies = (http.cookies ?? []).map(cookieHeader);
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  response.writeHead(Number(http.statusCode ?? 200), http.headers ?? {});
  response.end(http.body?.bytes ?? http.body?.string ?? http.body?.json);
}

function cookieHeader(cookie: RpcHttpCookie): string {
  const sameSite =
    cookie.sameSite && { none: undefined, lax: 'Lax', strict: 'Strict', explicitNone: 'None' }[cookie.sameSite];
  return [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    cookie.domain && `Domain=${cookie.domain.value}`,
    cookie.path && `Path=${cookie.path.value}`,
    cookie.maxAge && `Max-Age=${cookie.maxAge.value}`,
    cookie.expires && `Expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`,
    cookie.secure?.value && 'Secure',
    cookie.httpOnly?.value && 'HttpOnly',
    sameSite && `SameSite=${sameSite}`,
  ]
    .filter(Boolean)
    .join('; ');
}

function send(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}

/** Answers `/` with a page of the host's own, as the runtime does when the app has no function for this path. */
function sendHomePage(response: ServerResponse): void {
  response
    .writeHead(200, { 'content-type': 'text/html' })
    .end('<!doctype html><title>Function host</title><p>The function host of this app is running.</p>');
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
