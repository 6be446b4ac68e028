/** Tests how the API answers when the hub or storage fails. No answer may show secrets or internals of the app. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ProblemAnswer } from '../../../functions/api/answers.ts';
import { endHosts, type HostProcess } from '../../infra/local/host/fixtures/host-process.ts';
import { startWorld, type World } from '../../support/world.ts';
import { type Answer, ask, keys, startApp } from './api-host.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.hub.registry.create({ deviceId: 'd' }, {});
});
afterAll(() => world?.close());
afterEach(endHosts);

interface Request {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
}

const get = (path: string): Request => ({ path });
const post = (path: string): Request => ({ path, method: 'POST' });
const deadLetterId = '99999999999999-00000000-0000-0000-0000-000000000000';

/** Requests that fail when storage fails. */
const storageRequests: readonly Request[] = [
  ...[
    'drift',
    'drift?deviceId=d',
    'drift/open',
    'drift/open?deviceId=d',
    'summary',
    'devices/d',
    'policies',
    'sweeps',
  ].map(get),
  get('dead-letters'),
  { path: 'drift', accept: 'text/csv' },
  { path: 'drift', accept: 'application/x-ndjson' },
  ...['devices/d/reconcile', 'sweep', `dead-letters/${deadLetterId}/replay`].map(post),
];

/** Requests that fail when the hub fails. */
const hubRequests: readonly Request[] = [get('devices/d'), post('devices/d/reconcile')];

/** Correct and malformed requests to every endpoint. */
const allRequests: readonly Request[] = [
  ...storageRequests,
  ...['health', 'dashboard', 'openapi.json', 'devices/nobody', 'nowhere'].map(get),
  ...[
    'drift?limit=0',
    'drift?nothing=%27%3B--',
    'drift?cursor=WyJhIl0',
    `drift?limit=0&code=${keys.functionKey}`,
    'drift?from=-9999d',
    'drift/open?cursor=x',
    'summary?bucket=%00',
    'devices/%3Cscript%3E',
    'devices/a%2Fb',
    'devices/%E0%A4%A',
    'policies?x=1',
    'sweeps?cursor=WyI5OTkiLCJ4Il0',
    'dead-letters?cursor=x',
    'health?x=1',
    'openapi.json?x=1',
  ].map(get),
  { path: 'drift', accept: 'image/png' },
  ...['devices/nobody/reconcile', 'devices/%00/reconcile', 'sweep?x=1', 'dead-letters/1/replay'].map(post),
];

const askAll = ({ endpoints }: HostProcess, requests: readonly Request[]) =>
  Promise.all(
    requests.map(({ path, method = 'GET', accept }) =>
      ask<ProblemAnswer>(`${endpoints.functionsUrl}/api/${path}`, {
        method,
        ...(method === 'POST' ? { key: keys.masterKey } : {}),
        ...(accept === undefined ? {} : { accept }),
      }),
    ),
  );

const partOf = (connectionString: string, name: string) =>
  new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? `no ${name}`;

/** The secrets of the app. No answer and no log line may contain them. */
function secrets(): readonly string[] {
  return [
    partOf(world.storage.connectionString, 'AccountKey'),
    partOf(world.hub.connectionString('twinkeeper'), 'SharedAccessKey'),
    'bm9ib2R5',
    keys.functionKey,
    keys.masterKey,
  ];
}

/** Patterns of stack traces, and of positions in source files. */
const stackPatterns = [
  /\bat \S+ \(/,
  /\bat (async )?(file|node|\/)/,
  /\.\w+:\d+:\d+/,
  /node_modules|node:internal|file:\/\//,
];
/** Patterns of file names, and of folders on this machine. */
const filePatterns = [/\.[cm]?[jt]s\b/, new RegExp(process.cwd()), /\/(tmp|home|usr|work|deps)\//];

/** Expects that no answer and no log line contains a secret. Only the dashboard's page may contain code. */
function expectNothingRevealed(host: HostProcess, answers: readonly Answer<unknown>[]): void {
  for (const { text, type, headers } of answers) {
    const whole = `${headers}\n${text}`;
    // The broken services of these tests send the text `hunter2`, which no answer of the app may repeat.
    for (const secret of [...secrets(), 'hunter2', 'SharedAccess', 'AccountKey']) expect(whole).not.toContain(secret);
    // The dashboard's page contains its script, so it is not checked for file names and stack traces.
    if (type.startsWith('text/html')) continue;
    for (const pattern of [...stackPatterns, ...filePatterns]) expect(text).not.toMatch(pattern);
  }
  for (const secret of secrets()) expect(host.log()).not.toContain(secret);
}

/** Starts an HTTP server that handles every request with this listener, in place of storage or the hub. */
async function startBroken(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

const hubAt = (address: string) => world.hub.connectionString('twinkeeper').replace('localhost', address);
const start = ({ storage = world.storage.connectionString, hub = hubAt(`localhost:${world.hub.httpsPort}`) }) =>
  startApp({ storage, hub, caFile: world.hub.credentials.caFile });

describe('the API', { timeout: 180_000 }, () => {
  it('answers 503 without details when storage refuses its requests', async () => {
    const refusal = JSON.stringify({
      'odata.error': {
        code: 'AuthorizationFailure',
        message: { value: 'hunter2 AccountKey=hunter2\n    at Table.get (/app/node_modules/x.js:1:2)' },
      },
    });
    const storage = await startBroken((_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end(refusal);
    });
    const host = await start({
      storage: world.storage.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${storage.port}`),
    });
    for (const { status, type, body, text } of await askAll(host, storageRequests)) {
      expect([status, type]).toEqual([503, 'application/problem+json']);
      expect(body).toMatchObject({ status: 503, detail: expect.stringMatching(/storage account does not answer/) });
      expect(text).not.toMatch(/127\.0\.0\.1|Authorization/);
    }
    expectNothingRevealed(host, await askAll(host, allRequests));
    storage.close();
  });

  it('answers 503 when the hub is down, and still shows the history', async () => {
    // No service listens on port 1 of this machine.
    const host = await start({ hub: hubAt('localhost:1') });
    const [[drift], refused] = await Promise.all([askAll(host, [get('drift?deviceId=d')]), askAll(host, hubRequests)]);
    expect([drift?.status, drift?.body]).toEqual([200, { rows: [] }]);
    for (const { status, body, text } of refused) {
      expect([status, body.detail]).toEqual([503, 'The IoT hub does not answer. Try again later.']);
      expect(text).not.toMatch(/ECONN|localhost/);
    }
  });

  it('reveals nothing when a service that is no hub answers', async () => {
    // The server speaks plain HTTP, so the TLS handshake fails. The error messages of OpenSSL name its source files, which no answer may
    // show.
    const hub = await startBroken((_, response) => {
      response.writeHead(500).end('hunter2');
    });
    const host = await start({ hub: hubAt(`localhost:${hub.port}`) });
    for (const { status } of await askAll(host, hubRequests)) expect(status).toBe(503);
    expectNothingRevealed(host, await askAll(host, allRequests));
    hub.close();
  });

  it('reveals nothing when all services work, whatever the request is', async () => {
    const host = await start({});
    const answers = await askAll(host, allRequests);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThan(10);
    expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThan(15);
    expectNothingRevealed(host, answers);
  });
});
