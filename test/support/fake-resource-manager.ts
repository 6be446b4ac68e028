/**
 * A small Azure Resource Manager over HTTPS for tests, with one IoT hub. It behaves as the real one does, as far as the routing of a hub is
 * concerned: ETags, asynchronous writes, masked keys, and the rules of a hub for its routes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { generate } from 'selfsigned';

type Json = Record<string, unknown>;
type Endpoint = { name: string; connectionString?: string } & Json;
type Route = { name: string; source: string; endpointNames: string[] } & Json;
interface Routing extends Json {
  endpoints: Record<string, Endpoint[]> & { eventHubs: Endpoint[] };
  routes: Route[];
  fallbackRoute?: Json;
}

/** A hub in the form of Azure's API. */
export interface FakeHub extends Json {
  etag: string;
  sku: { name: string } & Json;
  properties: Json & { state: string; routing: Routing };
}

export interface FakeResourceManager {
  readonly url: string;
  /** The certificate authority of the server, in PEM format. */
  readonly ca: string;
  /** The hub as it is now. A test may change it. */
  readonly hub: FakeHub;
  /** The methods of the requests about the hub, in order. */
  readonly requests: string[];
  /** Runs before the next write is looked at. */
  beforeWrite: (() => void) | undefined;
  /** Answers the next writes with these errors, one each, before the hub sees them. */
  readonly refusals: { readonly status: number; readonly code: string; readonly message: string }[];
  /** Other resources that can be read, by path in lower case. A function gets the query of the request. A number is an error's status. */
  readonly resources: Map<string, object | number | ((query: URLSearchParams) => object)>;
  /** Milliseconds that the clock of the server is ahead. */
  clockLead: number;
  close(): Promise<void>;
}

const path =
  /^\/subscriptions\/00000000-0000-0000-0000-000000000001\/resourceGroups\/rg-hubs\/providers\/Microsoft.Devices\/IotHubs\/plant-hub$/i;

/** A hub as Azure returns it, with a route and an endpoint of somebody else. */
export function plantHub(): FakeHub {
  return {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hubs/providers/Microsoft.Devices/IotHubs/plant-hub',
    name: 'plant-hub',
    type: 'Microsoft.Devices/IotHubs',
    location: 'westeurope',
    etag: 'AAAA=',
    tags: { team: 'plant' },
    sku: { name: 'S1', tier: 'Standard', capacity: 2 },
    identity: { type: 'SystemAssigned', principalId: 'p', tenantId: 't' },
    properties: {
      state: 'Active',
      provisioningState: 'Succeeded',
      hostName: 'plant-hub.azure-devices.net',
      minTlsVersion: '1.2',
      networkRuleSets: { defaultAction: 'Deny', applyToBuiltInEventHubEndpoint: false, ipRules: [] },
      eventHubEndpoints: { events: { retentionTimeInDays: 1, partitionCount: 4 } },
      routing: {
        endpoints: {
          serviceBusQueues: [],
          serviceBusTopics: [],
          eventHubs: [
            {
              id: 'e1',
              name: 'telemetry',
              connectionString:
                'Endpoint=sb://t.servicebus.windows.net:5671/;SharedAccessKeyName=send;SharedAccessKey=****;EntityPath=t',
              authenticationType: 'keyBased',
              resourceGroup: 'rg-data',
              subscriptionId: '00000000-0000-0000-0000-000000000001',
            },
          ],
          storageContainers: [],
          cosmosDBSqlContainers: [],
        },
        routes: [
          {
            name: 'telemetry',
            source: 'DeviceMessages',
            condition: 'true',
            endpointNames: ['telemetry'],
            isEnabled: true,
          } as never,
        ],
        fallbackRoute: {
          name: '$fallback',
          source: 'DeviceMessages',
          condition: 'true',
          endpointNames: ['events'],
          isEnabled: true,
        },
        enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: ['telemetry'] }],
      },
      cloudToDevice: { maxDeliveryCount: 10, defaultTtlAsIso8601: 'PT1H' },
      features: 'None',
    },
  };
}

/** Starts the server on a free port of this machine. */
export async function startFakeResourceManager(hub: FakeHub = plantHub()): Promise<FakeResourceManager> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  const server = createServer({ cert, key });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const keys = new Map(secretsOf(hub).map((secret) => [secret.name, secret.connectionString]));
  const manager: FakeResourceManager = {
    url,
    ca: cert,
    hub,
    requests: [],
    beforeWrite: undefined,
    refusals: [],
    resources: new Map(),
    clockLead: 0,
    close: () => closeServer(server),
  };
  /** Asynchronous writes, and how often they are still asked for before they are done. */
  const operations = new Map<string, number>();
  server.on('request', (request, response) => {
    void answer(request, response).catch((error: Error) =>
      send(response, 500, fault('InternalServerError', error.message)),
    );
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    if (!request.headers.authorization?.startsWith('Bearer '))
      return send(response, 401, fault('AuthenticationFailed', 'No token.'));
    if (searchParams.get('api-version') === null)
      return send(response, 400, fault('MissingApiVersionParameter', 'No version.'));
    const left = operations.get(pathname);
    if (left !== undefined) {
      operations.set(pathname, left - 1);
      return send(response, 200, { status: left > 0 ? 'InProgress' : 'Succeeded' });
    }
    response.setHeader('date', new Date(Date.now() + manager.clockLead).toUTCString());
    const resource = manager.resources.get(pathname.toLowerCase());
    if (typeof resource === 'number') return send(response, resource, fault('Refused', 'Refused.'));
    if (resource !== undefined) {
      return send(response, 200, typeof resource === 'function' ? resource(searchParams) : resource);
    }
    if (!path.test(pathname)) return send(response, 404, fault('ResourceNotFound', 'The resource was not found.'));
    manager.requests.push(request.method ?? '');
    if (request.method === 'GET') return send(response, 200, hub);
    const written = (await readJson(request)) as FakeHub;
    manager.beforeWrite?.();
    manager.beforeWrite = undefined;
    const refusal = manager.refusals.shift() ?? refusalOf(request, written);
    if (refusal !== undefined) return send(response, refusal.status, fault(refusal.code, refusal.message));
    take(written);
    const operation = `/operations/${operations.size + 1}`;
    operations.set(operation, 1);
    response.setHeader('Azure-AsyncOperation', `${url}${operation}?api-version=2023-06-30`);
    send(response, 201, { ...hub, properties: { ...hub.properties, state: 'Transitioning' } });
  }

  function refusalOf(request: IncomingMessage, written: FakeHub) {
    if (request.headers['if-match'] !== hub.etag) {
      return { status: 412, code: 'PreconditionFailed', message: 'The ETag does not match.' };
    }
    const routing: Partial<Routing> = written.properties.routing ?? {};
    const names = Object.values(routing.endpoints ?? {}).flatMap((list) => list.map(({ name }) => name));
    const unknown = (routing.routes ?? []).find((route) =>
      route.endpointNames.some((name) => name !== 'events' && !names.includes(name)),
    );
    if (unknown !== undefined) {
      return {
        status: 400,
        code: '400139',
        message: `The route ${unknown.name} names an endpoint that does not exist.`,
      };
    }
    const had = hub.properties.routing?.routes.some(({ name }) => name === 'RouteToEventGrid');
    if (had && !(routing.routes ?? []).some(({ name }) => name === 'RouteToEventGrid')) {
      return {
        status: 400,
        code: 'IH400126',
        message: 'RouteToEventGrid must not be removed while Event Grid is used.',
      };
    }
    return undefined;
  }

  function take(written: FakeHub): void {
    const { routing } = written.properties;
    for (const endpoint of Object.values(routing?.endpoints ?? {}).flat()) {
      const { name, connectionString } = endpoint;
      // A masked key keeps the stored one. Any other text replaces it.
      if (connectionString !== undefined && !connectionString.includes('****')) keys.set(name, connectionString);
    }
    if (routing !== undefined && routing.fallbackRoute === undefined) {
      routing.fallbackRoute = {
        name: '$fallback',
        source: 'DeviceMessages',
        condition: 'true',
        endpointNames: ['events'],
        isEnabled: false,
      };
    }
    for (const name of ['tags', 'sku', 'identity'] as const) {
      if (written[name] === undefined) delete hub[name];
      // Azure keeps what only it sets, such as the id of the identity.
      else (hub as Json)[name] = { ...(name === 'tags' ? {} : (hub[name] as Json)), ...(written[name] as Json) };
    }
    hub.properties = {
      ...written.properties,
      state: 'Active',
      provisioningState: 'Succeeded',
      hostName: hub.properties.hostName,
    };
    hub.etag = `${hub.etag}+`;
  }

  return manager;
}

function secretsOf(hub: FakeHub) {
  const routing: Partial<Routing> = hub.properties.routing ?? {};
  return Object.values(routing.endpoints ?? {}).flat();
}

function fault(code: string, message: string): Json {
  return { error: { code, message } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
