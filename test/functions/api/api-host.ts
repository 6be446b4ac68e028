/** Starts the app in a function host, with a local hub and a storage account, and sends requests to the app's HTTP API. */
import { createRollups } from '../../../shared/drift/index.ts';
import { startHost } from '../../infra/local/host/fixtures/host-process.ts';
import { policies } from '../../support/fixture-policies.ts';
import { newDeviceId, startWorld } from '../../support/world.ts';

export const keys = { functionKey: 'the-function-key', masterKey: 'the-master-key' };

/** Names of the functions that are disabled in these tests. The tests call the code of these functions directly where they need it. */
const disabledFunctions = [
  'twin-events',
  'deferred',
  'deferred-poison',
  'sweep',
  'sweep-work',
  'sweep-work-poison',
  'roll-up',
  'retention',
  'seal',
];

/** The path of the app's entry file, relative to the fixtures of the function host. */
const appEntry = '../../../../support/fixture-app.ts';

/**
 * Starts the app in a function host. `storage` and `hub` are connection strings. `caFile` is the path of the certificate that the local
 * hub's TLS certificate is signed with.
 */
export function startApp({
  storage,
  hub,
  caFile,
  settings = {},
}: {
  storage: string;
  hub: string;
  caFile: string;
  settings?: Readonly<Record<string, string>>;
}) {
  return startHost({
    app: appEntry,
    hostJson: { extensions: { http: { routePrefix: 'api' } } },
    settings: {
      AzureWebJobsStorage: storage,
      IOTHUB_CONNECTION_STRING: hub,
      EventHubConnection: 'Endpoint=sb://localhost;SharedAccessKeyName=nobody;SharedAccessKey=bm9ib2R5',
      EVENTHUB_NAME: 'events',
      TWINKEEPER_HUB_TIER: 'S3',
      TWINKEEPER_HUB_UNITS: '10',
      TWINKEEPER_BUDGET_SHARE: '1',
      TWINKEEPER_BLAST_RADIUS: '1000000',
      ...settings,
      ...Object.fromEntries(disabledFunctions.map((name) => [`AzureWebJobs.${name}.Disabled`, 'true'])),
    },
    environment: {
      NODE_EXTRA_CA_CERTS: caFile,
      TWINKEEPER_LOCAL_FUNCTION_KEY: keys.functionKey,
      TWINKEEPER_LOCAL_MASTER_KEY: keys.masterKey,
    },
  });
}

/** An answer of the HTTP API. `body` is the parsed JSON, or undefined when the answer is not JSON. */
export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** All headers of the answer, one on each line. */
  readonly headers: string;
  readonly body: T;
}

/** Sends a request to the API. The function key is sent by default. With the key `''`, no key is sent. */
export async function ask<T = Record<string, unknown>>(
  url: string,
  {
    key = keys.functionKey,
    method = 'GET',
    accept,
  }: { readonly key?: string; readonly method?: string; readonly accept?: string } = {},
): Promise<Answer<T>> {
  const answer = await fetch(url, {
    method,
    headers: { ...(key === '' ? {} : { 'x-functions-key': key }), ...(accept === undefined ? {} : { accept }) },
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return { status: answer.status, type, text, headers, body: (/json$/.test(type) ? JSON.parse(text) : undefined) as T };
}

/** Starts a local hub, a storage account, a reconciler that writes the history, and the app with these further settings. */
export async function startApi(settings: Readonly<Record<string, string>> = {}) {
  const world = await startWorld();
  const keeping = world.withPolicies(policies);
  const host = await startApp({
    storage: world.storage.connectionString,
    hub: world.hub.connectionString('twinkeeper').replace('localhost', `localhost:${world.hub.httpsPort}`),
    caFile: world.hub.credentials.caFile,
    settings,
  });
  const base = `${host.endpoints.functionsUrl}/api`;

  return {
    world,
    host,
    base,
    keeping,
    get: <T = Record<string, unknown>>(path: string, options: Parameters<typeof ask>[1] = {}) =>
      ask<T>(`${base}/${path}`, options),
    post: <T = Record<string, unknown>>(path: string, options: Parameters<typeof ask>[1] = {}) =>
      ask<T>(`${base}/${path}`, { key: keys.masterKey, ...options, method: 'POST' }),

    /** Adds a device to the hub. Afterwards both modules of the fixture policies exist, and the history has one row for each. */
    async addDevice(deviceId = newDeviceId()): Promise<string> {
      world.hub.registry.create({ deviceId }, {});
      await keeping.settle();
      return deviceId;
    },

    /** Changes desired properties of the micro agent's module. The reconciler handles the change in the next call of `keeping.settle()`. */
    disturb(deviceId: string, desired: Record<string, never> | object): void {
      world.hub.registry.patchTwin({ deviceId, moduleId: 'DefenderIotMicroAgent' }, { desired: desired as never }, '*');
    },

    /** Counts the history rows as the function `roll-up` does. `devices` is the number of devices that each policy applies to. */
    count: (devices: number) =>
      createRollups(world.storage, () => new Date()).refresh(
        policies.map(({ name }) => ({ name, devices })),
        { fleet: devices },
      ),

    async close(): Promise<void> {
      await host.end();
      await world.close();
    },
  };
}

export type Api = Awaited<ReturnType<typeof startApi>>;
