/** A hub for one test file, and the unmodified SDK as its client. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import azureIotHub from 'azure-iothub';
import { loadCredentials } from '../../../../infra/local/hub/credentials.ts';
import { EventLog, type LoggedEvent } from '../../../../infra/local/hub/event-log.ts';
import { type RegistryServiceOptions, startRegistryService } from '../../../../infra/local/hub/registry-service.ts';

export const HUB_NAME = 'test-hub';

export type SdkRegistry = InstanceType<typeof azureIotHub.Registry>;

/** A response of the hub as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What the SDK rejects with when the hub refuses. */
export interface SdkError extends Error {
  readonly response: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };
  readonly responseBody: string;
}

/**
 * A `Registry` of the SDK for a hub that listens on another port and is signed by another authority than Azure's. The SDK knows
 * neither option; those of the agent take precedence over those of the request.
 */
export function connect(
  connectionString: string,
  port: number,
  ca: string,
): { readonly registry: SdkRegistry; close(): void } {
  const agent = new Agent({ keepAlive: true, port, ca } as ConstructorParameters<typeof Agent>[0]);
  const registry = azureIotHub.Registry.fromConnectionString(connectionString.replace(/(HostName=[^;:]+):\d+/, '$1'));
  const internals = registry as unknown as { _restApiClient: { setOptions(options: unknown): void } };
  internals._restApiClient.setOptions({ http: { agent } });
  return { registry, close: () => agent.destroy() };
}

type Given = 'httpsPort' | 'controlPort' | 'hubName' | 'credentials' | 'log';

/** Starts a hub without AMQP, with clients for both of its policies. */
export async function startTestHub(options: Omit<RegistryServiceOptions, Given> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'hub-test-'));
  const log = new EventLog();
  const credentials = await loadCredentials(folder);
  const service = await startRegistryService({
    httpsPort: 0,
    controlPort: 0,
    hubName: HUB_NAME,
    credentials,
    log,
    ...options,
  });
  const ca = await readFile(credentials.caFile, 'utf8');
  const connectionString = (policy: 'iothubowner' | 'twinkeeper') =>
    `HostName=localhost;SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
  const operator = connect(connectionString('iothubowner'), service.httpsPort, ca);
  const twinkeeper = connect(connectionString('twinkeeper'), service.httpsPort, ca);
  return {
    ...service,
    log,
    ca,
    credentials,
    connectionString,
    operator: operator.registry,
    twinkeeper: twinkeeper.registry,
    async close() {
      operator.close();
      twinkeeper.close();
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type TestHub = Awaited<ReturnType<typeof startTestHub>>;

/** A signature by this policy, which lasts until `expiry`: seconds since 1970, by default a minute from now. */
export function authorizationFor(
  { credentials }: Pick<TestHub, 'credentials'>,
  policy: 'iothubowner' | 'twinkeeper' = 'iothubowner',
  expiry = Math.floor(Date.now() / 1000) + 60,
): string {
  return azureIotHub.SharedAccessSignature.create('localhost', policy, credentials.keys[policy], expiry).toString();
}

export interface RawRequest {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the connection when it aborts. */
  readonly signal?: AbortSignal;
}

/** A request as it stands, past the SDK, on a connection of its own. Rejects where it gets no answer. */
export function requestRaw(
  hub: Pick<TestHub, 'credentials' | 'httpsPort' | 'ca'>,
  method: string,
  path: string,
  { body, headers, signal }: RawRequest = {},
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: '127.0.0.1',
        port: hub.httpsPort,
        method,
        path,
        ca: hub.ca,
        agent: false,
        headers: { authorization: authorizationFor(hub), ...headers },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.on('error', reject).end(body);
  });
}

/** What the hub refuses this with. Throws if it does not refuse. */
export async function refusal(call: Promise<unknown>): Promise<SdkError> {
  try {
    await call;
  } catch (error) {
    return error as SdkError;
  }
  throw new Error('The hub did not refuse.');
}

/** All events of a device, oldest first. */
export function eventsOf(log: EventLog, deviceId: string): readonly LoggedEvent[] {
  return log.events(log.partitionOf(deviceId)).filter((event) => event.deviceId === deviceId);
}

export function bodyOf(event: LoggedEvent | undefined): Record<string, unknown> {
  return JSON.parse(String(event?.body)) as Record<string, unknown>;
}
